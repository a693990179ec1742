"""Free text from the trigger form inside a ``script``, which a shell reads as part of the program.

A param is free text if its value can be any string: it has no ``enum``, no ``const``, no pattern for the whole value,
and no format that Airflow checks. ``{{ params.x | int }}`` and ``| tojson`` are safe: they cannot end the quoting.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes

from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.expressions.escaping import COMMENT_MARKS
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, Node, Scalar, entries_of, is_set, to_python

_SAFE_FILTERS = frozenset("count filesizeformat float int length round tojson urlencode wordcount".split())
_SAFE_FORMATS = frozenset("date date-time time ipv4 ipv6 uuid".split())
_ITEM = "{{ item }}"  # cannot be the name of a param
_RISK = "whoever starts a run can enter shell commands"
_JINJA = jinja2.Environment(
    comment_start_string=COMMENT_MARKS[0], comment_end_string=COMMENT_MARKS[1], extensions=["jinja2.ext.do"]
)


def free_text_params(params: Node | None) -> frozenset[str]:
    """The params of a pipeline whose value can be any text."""
    return frozenset(name for name, node in entries_of(params).items() if is_set(node) and _is_free(to_python(node)))


def _is_free(schema: Any) -> bool:
    if not isinstance(schema, dict):  # only a default
        return isinstance(schema, (str, list))
    kinds = schema.get("type")
    if kinds is None:  # the default determines the type
        default = schema.get("default", "")
        kinds = "array" if isinstance(default, list) else "string" if isinstance(default, str) else ()
    if "array" in ([kinds] if isinstance(kinds, str) else kinds):
        return _is_free(schema.get("items") or {})
    pattern = str(schema.get("pattern") or "")
    bounded = "enum" in schema or "const" in schema or schema.get("format") in _SAFE_FORMATS
    return "string" in ([kinds] if isinstance(kinds, str) else kinds) and not (
        bounded or (pattern.startswith("^") and pattern.rstrip(")").endswith("$"))
    )


def check(job: MapNode, texts: Set[str], prefix: str, path: KeyPath) -> Iterator[Problem]:
    """A warning for each free text in a job's ``script``; ``prefix`` is the pipeline's ``params_env``, if any."""
    script = job.get("script")
    if not texts or not isinstance(script, Scalar) or script.value is None or not has_template(script.text):
        return
    source = job.map("for_each").get("param")
    for name, line in _params_in_output(script.text):
        if name == _ITEM and isinstance(source, Scalar) and source.text in texts:
            message = f"the script contains items of the param `{source.text}`; {_RISK}"
            hint = 'set a variable with `as: ITEM` under `for_each`, and use `"$ITEM"` in the script'
            yield Problem.at(script.line(line), (*path, "script"), "text-in-script", message, hint, "warning")
        elif name in texts:
            variable = f"{prefix}{name.upper()}" if prefix else name.upper()
            message = f"the script contains the text of the param `{name}`; {_RISK}"
            hint = f'use `"${variable}"` in the script'
            if not prefix:
                hint = f'pass it as a variable: `env: {{{variable}: "{{{{ params.{name} }}}}"}}`, and {hint}'
            yield Problem.at(script.line(line), (*path, "script"), "text-in-script", message, hint, "warning")


@lru_cache(1024)
def _params_in_output(text: str) -> tuple[tuple[str, int], ...]:
    """The params whose value is in the output of a template, each once, with its line."""
    try:
        tree = _JINJA.parse(text)
    except (jinja2.TemplateSyntaxError, RecursionError):
        return ()  # reported with the other templates
    found: dict[str, int] = {}
    for output in tree.find_all(nodes.Output):
        for child in output.nodes:
            for name in _params_in(child):
                found.setdefault(name, child.lineno)
    return tuple(found.items())


def _params_in(node: nodes.Node | None) -> Iterator[str]:
    """The params whose text becomes part of an expression's value."""
    if isinstance(node, nodes.Filter):
        if node.name not in _SAFE_FILTERS:
            for one in (node.node, *node.args):
                yield from _params_in(one)
    elif isinstance(node, nodes.CondExpr):
        for one in (node.expr1, node.expr2):
            yield from _params_in(one)
    elif isinstance(node, (nodes.Add, nodes.And, nodes.Or)):
        for one in (node.left, node.right):
            yield from _params_in(one)
    elif isinstance(node, nodes.Concat):
        for one in node.nodes:
            yield from _params_in(one)
    elif isinstance(node, nodes.Call):
        method = node.node
        if isinstance(method, nodes.Getattr) and method.attr == "get" and _is_params(method.node):
            yield from (str(one.value) for one in node.args[:1] if isinstance(one, nodes.Const))
        else:
            yield from _params_in(method)
    elif isinstance(node, nodes.Getattr):
        yield from (node.attr,) if _is_params(node.node) else _params_in(node.node)
    elif isinstance(node, nodes.Name) and node.name == "item":
        yield _ITEM
    elif isinstance(node, nodes.Getitem):
        if not _is_params(node.node):
            yield from _params_in(node.node)
        elif isinstance(node.arg, nodes.Const):
            yield str(node.arg.value)


def _is_params(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "params"
