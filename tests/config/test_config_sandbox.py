"""Expressions in committed files cannot run code, read secrets, or use more work than the limits allow."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import jinja2
import msgspec
import pytest

from dag_factory.config import budget
from dag_factory.config.expressions import data, sandbox
from dag_factory.config.expressions.compile_time import evaluate, render
from dag_factory.config.positions import Position
from dag_factory.config.tree import Scalar, list_node, scalar
from dag_factory.settings import BOUNDS

CONTEXT: dict[str, Any] = {"vars": {"a": "x", "list": [1, 2]}, "environment": "dev"}

ESCAPES = """
vars.__class__
vars['__class__']
vars|attr('__class__')
''.__class__.__mro__[1].__subclasses__()
(1).__class__
vars.a.__class__
vars.a.format(vars)
'{0.__class__}'.format(vars)
'%s' % vars
'{0}'|format(1)
vars.items()
vars.list.append(3)
vars.update({'a': 1})
range.__globals__
range.__call__
range.__self__
self
self.__init__
self._TemplateReference__context
loop
lipsum(n=1)
lipsum.__globals__['os']
cycler('a', 'b')
cycler.__init__.__globals__.os
joiner(', ')
namespace(a=1)
dict(a=1)
get_flashed_messages
config
request
caller()
super()
vars|xmlattr
{'a b': 1}|xmlattr
vars|pprint
vars|random
'x'|indent(100000000)
'x'|center(100000000)
'x'|wordwrap(1)
'x'|urlize
[1]|slice(1000000000)|list
[1]|batch(1000000000, 1)|list
5|round(100000000)
5|round(-100000000)
vars|map(attribute='__class__')|list
[vars]|map(attribute='__class__')|list
[vars]|selectattr('__class__')|first
[vars.a]|map('attr', '__class__')|list
['os']|map('import')|list
'a' is callable
'a' is filter
range(1000000000)
range(100000)|map('string')|map('replace', '', 'x' * 10000)|list
'a' * 1000000000
'a' * 10000 * 10000 * 10000
[0] * 1000000000
[[0] * 10000] * 10000
2 ** 1000000000
(10 ** 60) ** 60
10 ** 60 * 10 ** 60 * 10 ** 60
1e308 * 10
-1e308 * 10 ** 3
['a' * 10000] * 1000
('a' * 10000) ~ ('a' * 10000) ~ ('a' * 10000) ~ ('a' * 10000) ~ ('a' * 10000) ~ ('a' * 10000) ~ ('a' * 10000)
('a' * 10000)|replace('a', 'b' * 10000)
'\\\\' * 100""" + "|tojson" * 40 + """
[vars.list, vars.list]|sum(start=[])|join('x' * 10000)|replace('x', 'y' * 10000)
undefined_name
vars.undefined_name
vars.a.b.c
1 / 0
1 // 0
'a' + 1
none + 1
[1]|sum(start='')
-'a'
[][0]
{}[{}]
range('a')
range(1, 2, 0)
((((((((((""" + "(" * 5_000 + """
""" + "-" * 20_000 + """1
""" + "not " * 10_000 + """1
""" + "1+" * 20_000 + """1
""" + "[" * 10_000 + """
""" + "vars.a" + ".a" * 20_000 + """
"""  # fmt: skip

BLOCKS = [
    "${% import 'os' as os %}",
    "${% from 'os' import path %}",
    "${% include '/etc/passwd' %}",
    "${% extends '/etc/passwd' %}",
    "${% macro m() %}x${% endmacro %}${{ m() }}",
    "${% macro m() %}${{ caller() }}${% endmacro %}${% call m() %}x${% endcall %}",
    "${% for x in range(100000) %}${% for y in range(100000) %}${% endfor %}${% endfor %}",
    "${% for x in range(100000) %}${{ x }}${% endfor %}",
    "${% for x in vars.list recursive %}${{ loop(vars.list) }}${% endfor %}",
    "${% for x in vars.list %}${{ loop.__class__ }}${% endfor %}",
    "${% for x in vars.list %}${{ loop.cycle('a', 'b') }}${% endfor %}",
    "${% filter upper %}" * 3_000,
    "${% if vars.a %}" * 3_000 + "${% endif %}" * 3_000,
    "${% set x = 'a' * 10000 %}" + "${{ x }}" * 5_000,
    "${% set x %}aaaaaaaaaaaaaaaa${% endset %}" + "${% set x %}${{ x }}${{ x }}${% endset %}" * 60 + "${{ x }}",
    "${% set x = 'aa' %}" + "${% set x = x ~ x %}" * 60 + "${{ x }}",
    "${% set x = [1, 1] %}" + "${% set x = x + x %}" * 60 + "${{ x }}",
    "${% set x = [1, 1] %}" + "${% set x = [x, x] %}" * 60 + "${{ x }}",
    "${% set x = {'a': 1} %}" + "${% set x = {'a': x, 'b': x} %}" * 60 + "${{ x }}",
    "${% set x = 3 %}" + "${% set x = x * x %}" * 60 + "${{ x }}",
    "${% filter tojson %}" * 40 + '"\\' + "${% endfilter %}" * 40,
    "${% do vars.clear() %}",
    "${% nonsense %}",
    "${{ " + "'a' ~ " * 20_000 + "'a' }}",
    "${{ 1 }}" * 20_000,
]


@pytest.mark.parametrize(
    "text", ["${{ " + line + " }}" for line in ESCAPES.strip().splitlines()] + BLOCKS, ids=lambda text: text[:60]
)
def test_an_attack_ends_in_a_problem_after_little_work(text: str) -> None:
    def work() -> None:
        with pytest.raises(jinja2.TemplateError):
            render(text, CONTEXT)

    assert calls(work) < 10_000_000


def calls(work: Callable[[], object]) -> int:
    """The number of calls of Python and C functions: a measure of work that other programs do not change."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("step", ["[0]", ".a", "|first", "|default(1)"])
def test_the_work_to_read_an_expression_grows_linearly(step: str) -> None:
    short, long = (
        calls(lambda text="vars" + step * count: render(f"${{{{ {text} is defined }}}}", CONTEXT)) for count in (20, 80)
    )
    assert long < 6 * short


@pytest.fixture(autouse=True)
def _the_budget_of_a_file() -> None:
    budget.reset()


def test_the_context_is_not_changed() -> None:
    before = repr(CONTEXT)
    for text in ("${{ vars.list.append(3) }}", "${% set vars.a = 1 %}", "${% for vars in [1] %}${% endfor %}"):
        try:
            render(text, CONTEXT)
        except jinja2.TemplateError:
            continue
    assert repr(CONTEXT) == before


LONG = "${% for x in range(90000) %}${% endfor %}"
SEARCHING = (
    "${% set a = range(9000)|list %}${% for x in range(300) %}${{ 'x' if x - 1 in a and a == a[:] }}${% endfor %}"
)
SORTING = "${% set a = range(9000)|list %}${% for x in range(60) %}${{ a|sort|sum > 1 }}${% endfor %}"
WIDE = "${% for x in range(2000) %}" + "${% set y = x + 1 %}" * 300 + "${% endfor %}"


@pytest.mark.parametrize("text", [LONG, SEARCHING, SORTING, WIDE, "${{ 1 }}"], ids=lambda text: text[-60:])
def test_the_expressions_of_a_file_share_their_steps(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One expression is below the limit, but a thousand of them share the limit of the file."""
    few = msgspec.structs.replace(BOUNDS, expression_steps=200_000 if len(text) > 20 else 10_000)
    for module in (budget, data, sandbox):
        monkeypatch.setattr(module, "BOUNDS", few)
    position = Position("f", 1, 1)
    many = list_node(tuple(Scalar(text, text, position, True) for _ in range(400)), position)
    found = []
    for _ in range(2):  # the second time, everything is compiled; the verdict is the same
        budget.reset()
        found.append(evaluate(many, CONTEXT))
    _, problems = found[0]
    assert {problem.code for problem in problems} == {"bad-expression"}
    assert all("steps" in problem.message for problem in problems)
    assert found[0] == found[1]
    budget.reset()
    assert evaluate(scalar("${{ 1 }}", position), CONTEXT)[1] == ()


@pytest.mark.parametrize("text", [LONG, "${{ 1|string }}", "${% if 1 %}${{ vars.list|sum }}${% endif %}"])
def test_the_limits_do_not_depend_on_a_clock(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def clock() -> float:
        raise AssertionError("a clock was asked")

    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        monkeypatch.setattr(time, name, clock)
    render(text, CONTEXT)


def test_a_sum_of_lists_is_their_concatenation_up_to_the_limit() -> None:
    assert render("${{ [[1], [2, 3]]|sum(start=[]) }}", CONTEXT) == [1, 2, 3]
    assert render("${{ [{'a': 1}, {'a': 2}]|sum(attribute='a') }}", CONTEXT) == 3


def test_a_computed_text_has_the_same_limit_as_a_written_one() -> None:
    fits = "a" * (BOUNDS.expression_bytes - 1)
    assert render("${{ 'a' }}${{ '" + fits[:-20] + "' }}", CONTEXT).startswith("aaa")
    with pytest.raises(jinja2.TemplateError, match="has at most"):
        render("${{ 'a' }}" + fits, CONTEXT)
