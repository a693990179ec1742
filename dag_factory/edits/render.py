"""New values as the text of a file, in the style of what they replace."""

from __future__ import annotations

import json
from typing import Any

from dag_factory.config.positions import Position
from dag_factory.config.source.yaml_reader import core_value
from dag_factory.config.source.yaml_writer import one_line, to_yaml
from dag_factory.config.tree import from_python
from dag_factory.edits.document import ListSyntax, ScalarSyntax, Unreadable, parse

_NOWHERE = Position("")


def in_flow(value: Any) -> str:
    """A value in one line, as it may stand in brackets."""
    return one_line(from_python(value, _NOWHERE))


def key_text(key: str) -> str:
    """A key, in quotes if necessary."""
    return in_flow(key)


def after_key(value: Any, column: int, line_end: str) -> str:
    """What follows the colon of a key at a column, in block style; it begins with a space or a line end."""
    return _indented(to_yaml(from_python({"k": value}, _NOWHERE))[len("k:") :], column, line_end)


def block_map(value: dict[str, Any], column: int, line_end: str, levels: int) -> str:
    """What follows the colon of a key at a column: a map with lines of its own for each key, ``levels`` deep."""
    if not value:
        return " {}"
    lines = []
    for key, inner in value.items():
        at = column + 2
        is_block = levels > 1 and isinstance(inner, dict)
        rest = block_map(inner, at, line_end, levels - 1) if is_block else after_key(inner, at, line_end)
        lines.append(f"{line_end}{' ' * at}{key_text(key)}:{rest}")
    return "".join(lines)


def after_dash(value: Any, column: int, line_end: str) -> str:
    """What follows the dash of an item at a column, in block style."""
    return _indented(to_yaml(from_python([value], _NOWHERE))[len("-") :], column, line_end)


def like(old: ScalarSyntax, value: Any, flow: bool) -> str:
    """A single value that replaces another one in its line, with the same quotes where they are possible."""
    if not isinstance(value, str):
        return in_flow(value)
    if old.style == '"':
        return _double_quoted(value)
    if old.style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return value if _is_plain(value, flow) else in_flow(value)


def _indented(text: str, column: int, line_end: str) -> str:
    first, *rest = text.removesuffix("\n").split("\n")
    return line_end.join((first, *(" " * column + line if line else "" for line in rest)))


def _is_plain(value: str, flow: bool) -> bool:
    """Whether a text needs no quotes at its place."""
    if not value or not value.isprintable() or not isinstance(core_value(value), str):
        return False
    try:
        root = parse(f"[{value}]" if flow else f"- {value}").root
    except Unreadable:
        return False
    items = root.items if isinstance(root, ListSyntax) else ()
    read = [item.value for item in items if isinstance(item, ScalarSyntax) and not item.style]
    return read == [value] and len(items) == 1


def _double_quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
