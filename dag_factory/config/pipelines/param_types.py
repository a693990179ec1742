"""The type of a param without ``type``: that of its default, so that Airflow's form and API reject other values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, Node, Scalar

_TYPES = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))
_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_BOOLEANS = {word: value for value, words in (("true", "yes on"), ("false", "no off")) for word in words.split()}
"""Words that YAML 1.1 reads as true or false."""


def with_type(schema: dict[str, Any], default: Any) -> dict[str, Any]:
    """The schema with the type of the default, if it limits neither the type nor the values."""
    if default is None or any(key in schema for key in ("type", "enum", "const")):
        return schema
    kind: Any = next(name for known, name in _TYPES if isinstance(default, known))
    if kind == "integer" and any(isinstance(schema.get(key), float) for key in _NUMERIC):
        kind = "number"
    if default == "":
        kind = ["string", "null"]  # the form sends null for an empty field
    return {**schema, "type": kind}


def check(name: str, node: Node) -> Iterator[Problem]:
    """A warning for a default such as ``no``, which is text and therefore true in a condition."""
    has_no_type = isinstance(node, MapNode) and not any(key in node.entries for key in ("type", "enum", "const"))
    default = node.get("default") if isinstance(node, MapNode) and has_no_type else node
    if not isinstance(default, Scalar) or not isinstance(default.value, str) or default.text == "NO":  # Norway
        return
    meant = _BOOLEANS.get(default.text.lower())
    if meant:
        path: KeyPath = ("params", name, "default") if has_no_type else ("params", name)
        message = f"`{default.text}` is text here, which counts as true in a condition"
        hint = f"write `{meant}`, or, to keep the text, `{{type: string, default: {default.text}}}`"
        yield Problem.at(default.position, path, "text-boolean", message, hint, "warning")
