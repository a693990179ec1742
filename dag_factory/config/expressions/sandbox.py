"""A Jinja sandbox for untrusted expressions: no attributes, no calls into Python, limited work and output.

It extends the sandbox of Jinja in three ways: a dot only reads a key, every step is counted, and every value that an
expression builds is measured, so that no value grows by doubling. A step is about a microsecond, and all expressions of
a file share ``BOUNDS.expression_steps``. The limits do not depend on a clock.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.filters import make_attrgetter
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from dag_factory.config import budget
from dag_factory.config.expressions.escaping import as_argument, as_json
from dag_factory.config.tree import CHARACTERS
from dag_factory.settings import BOUNDS

_FILTERS = (
    "abs capitalize count d default dictsort escape first float int items last length list lower max min map reject "
    "rejectattr reverse select selectattr sort sum title trim truncate unique upper"
).split()
_TESTS = (
    "boolean defined divisibleby even false float ge gt in integer iterable le lower lt mapping ne none number odd "
    "sequence string true undefined upper eq equalto greaterthan lessthan sameas == != < <= > >="
).split()
_LOOP = frozenset("first index index0 last length revindex revindex0".split())
_DELIMITERS = {
    "block_start_string": "${%",
    "block_end_string": "%}",
    "variable_start_string": "${{",
    "variable_end_string": "}}",
    "comment_start_string": "${{#",
    "comment_end_string": "#}}",
}
_UNMEASURED = frozenset("count d default first last length".split())
"""Filters whose work does not depend on the size of their arguments."""
_ITEMS = 16  # items that C code processes in one step
_NODES = 4  # nodes of a syntax tree that one step executes
_TAGS = re.compile(r"\$\{[{%].*?[%}]\}", re.DOTALL)
_NOT_DNS = re.compile(r"[^a-z0-9]+")


class LimitExceeded(jinja2.TemplateRuntimeError):
    """An expression exceeds one of its limits."""


def dns(value: object) -> str:
    """A valid Kubernetes name: lower case, digits and dashes, at most 63 characters."""
    return _NOT_DNS.sub("-", str(value).lower()).strip("-")[:63].rstrip("-")


def to_text(value: object) -> str:
    """A value as text: text as it is, and any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(to_data(value), sort_keys=True)


def to_data(value: Any) -> Any:
    """The value of an expression as plain data. Iterators, such as the result of ``map``, become lists.

    Raises ``TypeError`` if the value is not data, and ``LimitExceeded`` if it is too large.
    """
    return _to_data(value, [BOUNDS.values])


def _to_data(value: Any, left: list[int]) -> Any:
    left[0] -= 1 + (len(value) // CHARACTERS if isinstance(value, str) else 0)
    if left[0] < 0:
        raise LimitExceeded("an expression produces too many values")
    if isinstance(value, jinja2.Undefined):
        return str(value)  # strict undefined: raises an error that names the missing value
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise TypeError("the result of an expression contains half of a surrogate pair")
        if "\0" in value:
            raise TypeError("the result of an expression contains a NUL character, which databases cannot store")
        return str(value)
    if isinstance(value, int) and abs(value) > BOUNDS.whole_number:
        raise TypeError("the result of an expression is a number of more than 64 bits")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError("the result of an expression is infinite or not a number")
        return value
    if isinstance(value, dict):
        return {_to_data(str(key), left): _to_data(item, left) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)) or hasattr(value, "__next__"):
        return [_to_data(item, left) for item in value]
    raise TypeError(f"the result of an expression must be plain data, not a {type(value).__name__}")


def count_values(value: Any) -> int:
    """The size of a value, as ``tree.count_values`` counts it. Raises ``LimitExceeded`` if it is too large."""
    return BOUNDS.values - _spend(value, BOUNDS.values)


def _measure_value(value: Any) -> Any:
    _spend_steps(1 + count_values(value) // _ITEMS)
    return value


def _count_compared(value: Any) -> Any:
    _spend_steps(1 + _length(value) // _ITEMS)
    return value


def _spend_steps(steps: int) -> None:
    if not budget.spend_steps(steps):
        raise LimitExceeded(f"the expressions of this file take more than {BOUNDS.expression_steps:,} steps")


def _length(value: Any) -> int:
    """The number of items in a value. Sixteen characters of text count as one item."""
    if isinstance(value, str):
        return len(value) // CHARACTERS
    return len(value) if isinstance(value, (list, tuple, dict, range)) else 0


@lru_cache(1024)
def _cost(text: str) -> tuple[int, int]:
    """The steps to compile a text, and the steps to render it."""
    marked = sum(len(tag) for tag in _TAGS.findall(text))
    return 300 + 25 * marked, 30 + marked // 4 + len(text) // 40


def _spend(value: Any, budget: int) -> int:
    budget -= 1
    if budget < 0:
        raise LimitExceeded("an expression produces too many values")
    if isinstance(value, str):
        if len(value) > BOUNDS.expression_bytes:
            raise LimitExceeded(f"a text in an expression is longer than {BOUNDS.expression_bytes:,} characters")
        return budget - len(value) // CHARACTERS
    if isinstance(value, int):
        return budget - value.bit_length() // (8 * CHARACTERS)
    if isinstance(value, range):
        return budget - len(value)
    if isinstance(value, dict):
        budget -= sum(len(key) for key in value if isinstance(key, str)) // CHARACTERS
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            budget = _spend(item, budget)
    return budget


def _replace(text: Any, old: str, new: str) -> str:
    text = to_text(text)
    if len(text) + text.count(old) * len(new) > BOUNDS.expression_bytes:
        raise LimitExceeded("the result of `replace` is too large")
    return str(text.replace(old, new))


def _join(values: Iterable[Any], separator: str = "") -> str:
    parts: list[str] = []
    size = 0
    for value in values:
        parts.append(to_text(value))
        size += len(parts[-1]) + len(separator)
        if size > BOUNDS.expression_bytes:
            raise LimitExceeded("the result of `join` is too large")
    return separator.join(parts)


def _round(value: float, precision: int = 0) -> float:
    if not -20 <= precision <= 20:
        raise LimitExceeded("the precision of `round` must be from -20 to 20")
    return round(value, precision)


@jinja2.pass_environment
def _sum(environment: Sandbox, values: Iterable[Any], attribute: Any = None, start: Any = 0) -> Any:
    """The filter `sum`. Each sum of lists is a new list, so each is counted."""
    total = start
    for value in values if attribute is None else map(make_attrgetter(environment, attribute), values):
        total = total + value
        _spend_steps(1 + _length(total) // _ITEMS)
    return total


class LimitTransformer(NodeTransformer):
    """Adds filters to a syntax tree that count loops and comparisons, and measure new values."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        body = sum(1 for _ in node.find_all(nodes.Node))  # the work of one turn
        self.generic_visit(node)
        node.iter = self.filtered(node.iter, "_count_items", nodes.Const(1 + body // _NODES))
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        self.generic_visit(node)
        node.expr = self._compared(node.expr)
        for operand in node.ops:
            operand.expr = self._compared(operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        self.generic_visit(node)
        return self.filtered(node, "_measured") if isinstance(node.arg, nodes.Slice) else node

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.AssignBlock:
        self.generic_visit(node)
        node.filter = nodes.Filter(node.filter, "_measured", [], [], None, None, lineno=node.lineno)
        return node

    def _measure(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") == "store" else self.filtered(node, "_measured")

    visit_List = visit_Tuple = visit_Dict = visit_Concat = _measure

    @staticmethod
    def filtered(node: Any, name: str, *arguments: nodes.Expr) -> nodes.Filter:
        """The node with one of the sandbox's own filters applied."""
        return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)

    def _compared(self, node: nodes.Expr) -> nodes.Expr:
        return node if isinstance(node, nodes.Const) else self.filtered(node, "_compared")


class Sandbox(ImmutableSandboxedEnvironment):
    """The Jinja environment that computes ``${{ }}``."""

    guard: type[LimitTransformer] = LimitTransformer
    intercepted_binops = frozenset(["*", "**", "%", "+"])

    def __init__(self, limit: int = BOUNDS.expression_bytes, **options: Any) -> None:
        super().__init__(
            undefined=jinja2.StrictUndefined,
            finalize=self._written,
            keep_trailing_newline=True,
            autoescape=False,
            cache_size=0,
            optimized=False,  # the optimizer of Jinja takes time cubic in the depth of an expression
            **(options or _DELIMITERS),
        )
        chosen: dict[str, Any] = {name: self.filters[name] for name in _FILTERS}
        chosen |= {"dns": dns, "tojson": lambda value: json.dumps(to_data(value), sort_keys=True)}
        chosen |= {
            "as_argument": lambda value: as_argument(to_data(value)),
            "as_json": lambda value: as_json(to_data(value)),
        }
        chosen |= {"string": to_text, "replace": _replace, "join": _join, "round": _round, "sum": _sum}
        self.filters = {name: self._measuring(function, name not in _UNMEASURED) for name, function in chosen.items()}
        self.filters |= {"_count_items": self._count_items, "_measured": _measure_value, "_compared": _count_compared}
        tests: dict[str, Any] = self.tests
        self.tests = {name: self._counting(tests[name]) for name in _TESTS}
        self.globals = {"range": self._range}
        self._turns = self._length = 0
        self._left = 10 * BOUNDS.values
        self._limit = limit

    def begin(self, text: str = "") -> None:
        """Reset the counts of loop turns, output and results of filters for one rendering of a text."""
        self._turns = self._length = 0
        self._left = 10 * BOUNDS.values
        compiling, rendering = _cost(text)
        _spend_steps(rendering + (compiling if budget.is_new(text) else 0))

    @staticmethod
    def _counting(function: Callable[..., Any]) -> Callable[..., Any]:
        """A test with counted arguments. For example, `in` can search a long list for each item of another list."""

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            _spend_steps(1 + sum(map(_length, args)) // _ITEMS)
            return function(*args, **kwargs)

        return counted

    def _measuring(self, function: Callable[..., Any], looks_through: bool = True) -> Callable[..., Any]:
        """A filter with measured results. ``wraps`` keeps the attributes that Jinja reads."""

        @functools.wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            _spend_steps(1 + (sum(map(_length, args)) if looks_through else 0))
            result = function(*args, **kwargs)
            before = self._left
            self._left = _spend(result, before)
            _spend_steps((before - self._left) // _ITEMS)
            return self._measure_lazily(result) if hasattr(result, "__next__") else result

        return bounded

    def _measure_lazily(self, values: Iterator[Any]) -> Iterator[Any]:
        """The items of a lazy filter, each measured when it is produced, because the template may keep it."""
        for value in values:
            _spend_steps(1)
            self._left = _spend(value, self._left)
            yield value

    def _written(self, value: Any) -> str:
        return self.counted_text(to_text(value))

    def counted_text(self, text: str) -> str:
        """The text itself. Raises ``LimitExceeded`` if the output so far is too long."""
        _spend_steps(1 + len(text) // 40)
        self._length += len(text)
        if self._length > self._limit:
            raise LimitExceeded(f"the result is longer than {self._limit:,} characters")
        return text

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        return super()._generate(self.guard().visit(source), *args, **kwargs)

    def _count_items(self, values: Iterable[Any], steps: int = 1) -> Iterator[Any]:
        for value in values:
            _spend_steps(steps)
            self._turns += 1
            if self._turns > BOUNDS.values:
                raise LimitExceeded(f"the loops of an expression take more than {BOUNDS.values:,} turns")
            yield value

    @staticmethod
    def _range(*bounds: int) -> range:
        result = range(*bounds)
        if len(result) > BOUNDS.values:
            raise LimitExceeded("a range in an expression is too long")
        return result

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, jinja2.Undefined):
            return obj
        try:
            if isinstance(obj, (dict, list, tuple, str)):
                return obj[argument]
        except (LookupError, TypeError):
            pass
        return self.undefined(obj=obj, name=str(argument))

    def is_safe_callable(self, obj: Any) -> bool:
        return obj is Sandbox._range

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            raise LimitExceeded("`%` does not format text here: join text with `~`")
        if operator == "*" and self._factor_size(left) * self._factor_size(right) > 10**18:
            raise LimitExceeded("the result of `*` is too large")
        if operator == "**" and not (abs(right) <= 64 and abs(left) <= 10**9):
            raise LimitExceeded("the result of `**` is too large")
        return self._result(super().call_binop(context, operator, left, right))

    def _result(self, value: Any) -> Any:
        """Measure the result of an operator."""
        return _measure_value(value)

    @staticmethod
    def _factor_size(value: Any) -> int:
        """The size of a factor of a product. Texts and lists count so much that only small factors are allowed."""
        if isinstance(value, (str, list, tuple)):
            return (len(value) or 1) * 10**14
        return abs(int(value))
