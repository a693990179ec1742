"""Insert an entry into a table of a YAML file: the smallest edit, so that every other byte stays."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from dag_factory.config.positions import Position
from dag_factory.config.source import yaml_reader
from dag_factory.config.source.yaml_writer import one_line, to_yaml
from dag_factory.config.tree import MapNode, Node, scalar, to_python

_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_WIDTH = 120
_BYTE_ORDER_MARK = "\ufeff"


class CannotInsert(Exception):
    """The file has a form in which the entry must be added by hand. ``str()`` of it is the reason."""


class _Place(NamedTuple):
    """Where the entries of a table are, as events of PyYAML; ``first`` and ``last`` are None without an entry."""

    start: Any
    first: Any
    last: Any


def insert_entry(text: str, table: str, name: str, value: Node, *, block: bool = False) -> str:
    """The text with one more entry at the end of the map ``table``, which is made if it is missing.

    ``block``: one line for each key of the entry, where the map is not in braces.

    Raises ``CannotInsert`` if the file is not valid YAML or has no map there.
    """
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    body = text.removeprefix(mark)
    before = _read(body)
    if table in before and not isinstance(before[table], (dict, type(None))):
        raise CannotInsert(f"`{table}` is not a map")
    place = _find(body, table)
    new = mark + _inserted(body, table, place, name, value, block)
    after = _read(new.removeprefix(mark))
    if after != {**before, table: {**(before.get(table) or {}), name: to_python(value)}}:
        raise CannotInsert(f"`{table}` is written in an unusual way")
    return new


def _inserted(text: str, table: str, place: _Place | None, name: str, value: Node, block: bool) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    if place is None:
        head = text if not text or text.endswith("\n") else text + end
        return head + end + f"{table}:{end}" + end.join(_lines(name, value, 2, block)) + end
    start, first, last = place.start, place.first, place.last
    if getattr(start, "flow_style", False):
        index = last.end_mark.index if last else start.end_mark.index
        entry = f"{_key(name)}: {one_line(value)}"
        return text[:index] + (", " if last else "") + entry + text[index:]
    column = first.start_mark.column if first else 2
    line = _last_line(text, last or start)
    rows = text.split("\n")
    entry_rows = [row + ("\r" if end == "\r\n" else "") for row in _lines(name, value, column, block)]
    if line == len(rows) - 1:  # the file has no newline at its end
        rows[line] += "\r" if end == "\r\n" else ""
        entry_rows.append("")
    return "\n".join((*rows[: line + 1], *entry_rows, *rows[line + 1 :]))


def _find(text: str, table: str) -> _Place | None:
    """Where a key of the outermost map has its value; None if there is no such key."""
    depth, is_key, found = 0, True, False
    opened: list[Any] = []
    start: Any = None
    first: Any = None
    last: Any = None
    for event in yaml.parse(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):
        if isinstance(event, _ENDS):
            opening = opened.pop()
            depth -= 1
            if found and depth == 1:
                return _Place(start or opening, first, last)
            if found and opening.flow_style:  # the end of a block is where the next value begins
                last = event
        elif isinstance(event, (*_STARTS, yaml.ScalarEvent, yaml.AliasEvent)):
            if found and start is None:
                start = event
                if not isinstance(event, _STARTS):
                    return _Place(event, None, None)
            elif found:
                first = first or event
                last = event
            elif depth == 1:
                found = is_key and isinstance(event, yaml.ScalarEvent) and event.value == table
            if depth == 1:
                is_key = not is_key
            if isinstance(event, _STARTS):
                opened.append(event)
                depth += 1
    return None


def _last_line(text: str, event: Any) -> int:
    """The index of the line on which a value ends. A block of text ends where the next value begins."""
    line = int(event.end_mark.line)
    if getattr(event, "style", None) in ("|", ">"):
        rows = text.split("\n")
        line = min(line, len(rows)) - 1 if event.end_mark.column == 0 else line
        while not rows[line].strip():
            line -= 1
    return line


def _lines(name: str, value: Node, indent: int, block: bool) -> list[str]:
    pad = " " * indent
    short = f"{pad}{_key(name)}: {one_line(value)}"
    if (not block and len(short) <= _WIDTH) or not isinstance(value, MapNode) or not value.entries:
        return [short]
    return [f"{pad}{_key(name)}:", *(f"{pad}  {row}" for row in to_yaml(value).splitlines())]


def _key(name: str) -> str:
    """A name as a key of a map, with quotes if it needs them."""
    return one_line(scalar(name, Position("")))


def _read(text: str) -> dict[str, Any]:
    node, problems = yaml_reader.read(text, "")
    if problems or (node is not None and not isinstance(node, MapNode)):
        raise CannotInsert("the file has errors; see: dagf check")
    found: dict[str, Any] = to_python(node) if node else {}
    return found
