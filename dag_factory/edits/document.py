"""The syntax of a YAML text: where each key, value and item is written.

``config/tree.py`` has the values of a file. This module has their ranges, which an edit needs, and keeps aliases apart
from their anchors. All offsets count characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from dag_factory.config.positions import KeyPath
from dag_factory.config.source.yaml_text import replace_breaks

_LOADER: Any = yaml.CLoader if yaml.__with_libyaml__ else yaml.Loader


class ScalarSyntax(msgspec.Struct, frozen=True):
    """A single value. ``style`` is the quote, ``|`` or ``>``, or empty; an empty value has an empty range."""

    start: int
    end: int
    value: str
    style: str


class AliasSyntax(msgspec.Struct, frozen=True):
    """An alias, such as ``*name``."""

    start: int
    end: int


class Entry(msgspec.Struct, frozen=True):
    """A key of a map with its value."""

    key: ScalarSyntax
    value: Syntax


class MapSyntax(msgspec.Struct, frozen=True):
    """A map, in braces if ``flow``."""

    start: int
    end: int
    flow: bool
    entries: tuple[Entry, ...]


class ListSyntax(msgspec.Struct, frozen=True):
    """A list, in brackets if ``flow``; otherwise ``dashes`` has the offset of each dash."""

    start: int
    end: int
    flow: bool
    items: tuple[Syntax, ...]
    dashes: tuple[int, ...] = ()


Syntax = ScalarSyntax | AliasSyntax | MapSyntax | ListSyntax


class Unreadable(Exception):
    """The text is no YAML document whose parts have ranges."""


class Document(msgspec.Struct, frozen=True):
    """A text and its syntax."""

    text: str
    root: Syntax

    @property
    def line_end(self) -> str:
        """What ends the lines of the text."""
        found = _LINE_END.search(self.text)
        return found[0] if found else "\n"

    def at(self, path: KeyPath) -> Syntax | None:
        """The syntax of the value at a path; None if the path leaves the text, for example through an alias."""
        node = self.root
        for step in path:
            inner = child(node, step)
            if inner is None:
                return None
            node = inner
        return node

    def entry(self, path: KeyPath) -> Entry | None:
        """The entry at a path that ends with a key."""
        parent = self.at(path[:-1])
        return entry(parent, str(path[-1])) if isinstance(parent, MapSyntax) else None

    def column(self, offset: int) -> int:
        """The number of characters before an offset in its line, without a byte order mark."""
        start = line_start(self.text, offset)
        return offset - start - (start == 0 and self.text.startswith("\ufeff"))


def parse(text: str) -> Document:
    """Parse a text. Raises ``Unreadable``."""
    mark = text.startswith("\ufeff")
    try:
        events = iter(yaml.parse(replace_breaks(text[mark:])[0], Loader=_LOADER))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                root = _Builder(text, events, int(mark)).node(next(events))
                if any(isinstance(after, yaml.DocumentStartEvent) for after in events):
                    raise Unreadable("the file has more than one document")
                return Document(text, root)
    except (yaml.YAMLError, RecursionError, ValueError) as failure:
        raise Unreadable(str(failure)) from failure
    raise Unreadable("the file is empty")


def child(node: Syntax, step: str | int) -> Syntax | None:
    """The value of a key or an index."""
    if isinstance(node, MapSyntax):
        found = entry(node, str(step))
        return found.value if found else None
    if isinstance(node, ListSyntax) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def entry(node: MapSyntax, key: str) -> Entry | None:
    """The first entry with a key."""
    return next((entry for entry in node.entries if entry.key.value == key), None)


def below(node: Syntax, path: KeyPath = ()) -> Iterator[tuple[KeyPath, ScalarSyntax]]:
    """Yield each single value with its path, without those that an alias repeats."""
    if isinstance(node, ScalarSyntax):
        yield path, node
    elif isinstance(node, MapSyntax):
        for one in node.entries:
            yield from below(one.value, (*path, one.key.value))
    elif isinstance(node, ListSyntax):
        for index, item in enumerate(node.items):
            yield from below(item, (*path, index))


_LINE_END = re.compile(r"\r\n|\r|\n")
_BEFORE_DASH = re.compile(r"(?:[&!]\S*(?:\s+|[ \t]*#[^\r\n]*)+)?-(?=[ \t\r\n]|\Z)")  # an anchor or a tag


def line_start(text: str, offset: int) -> int:
    """The offset of the first character of the line that has an offset."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_stop(text: str, offset: int) -> int:
    """The offset of the end of a line, before the characters that end it."""
    found = _LINE_END.search(text, offset)
    return found.start() if found else len(text)


def next_line(text: str, offset: int) -> int:
    """The offset of the first character of the next line; the length of the text in its last line."""
    found = _LINE_END.search(text, offset)
    return found.end() if found else len(text)


class _Builder:
    def __init__(self, text: str, events: Iterator[Any], shift: int) -> None:
        self._text, self._events, self._shift = text, events, shift

    def node(self, event: Any) -> Syntax:
        start, end = self._range(event)
        if isinstance(event, yaml.AliasEvent):
            return AliasSyntax(start, end)
        if isinstance(event, yaml.ScalarEvent):
            style = event.style or ""
            if style in ("|", ">"):
                end = self._block_end(start, end)
            return ScalarSyntax(start, end, event.value, style)
        flow = bool(event.flow_style)
        return self._map(start, flow) if isinstance(event, yaml.MappingStartEvent) else self._list(start, flow)

    def _range(self, event: Any) -> tuple[int, int]:
        return event.start_mark.index + self._shift, event.end_mark.index + self._shift

    def _map(self, start: int, flow: bool) -> MapSyntax:
        entries: list[Entry] = []
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                end = self._range(event)[1] if flow else _end(entries[-1].value, entries[-1].key.end)
                return MapSyntax(start, end, flow, tuple(entries))
            key = self.node(event)
            if not isinstance(key, ScalarSyntax):
                raise Unreadable("a key is not a single value")
            entries.append(Entry(key, self.node(next(self._events))))
        raise Unreadable("the map has no end")

    def _list(self, start: int, flow: bool) -> ListSyntax:
        items: list[Syntax] = []
        dashes: list[int] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                end = self._range(event)[1] if flow else _end(items[-1], dashes[-1] + 1)
                return ListSyntax(start, end, flow, tuple(items), tuple(dashes))
            if not flow:
                dashes.append(self._next_dash(dashes[0], items[-1], dashes[-1]) if items else self._first_dash(start))
            items.append(self.node(event))
        raise Unreadable("the list has no end")

    def _first_dash(self, start: int) -> int:
        found = _BEFORE_DASH.match(self._text, start)
        if not found:
            raise Unreadable("a list has no dash")
        return found.end() - 1

    def _next_dash(self, first: int, item: Syntax, dash: int) -> int:
        column = Document(self._text, item).column(first)
        pattern = re.compile(rf"[ ]{{{column}}}-(?=[ \t\r\n]|\Z)")
        line = next_line(self._text, _end(item, dash + 1))
        while line < len(self._text):
            if pattern.match(self._text, line):
                return line + column
            line = next_line(self._text, line)
        raise Unreadable("an item has no dash")

    def _block_end(self, start: int, end: int) -> int:
        """The end of the last line of a block scalar. Blank lines at its end count only with ``+`` in the header."""
        header = self._text[start : line_stop(self._text, start)].partition("#")[0]
        ends = [found.start() for found in _LINE_END.finditer(self._text, start, end)]
        if end > (ends[-1] if ends else start) and self._text[line_start(self._text, end) : end].strip():
            ends.append(end)  # the last line of the file, which nothing ends
        if "+" not in header:
            while len(ends) > 1 and not self._text[line_start(self._text, ends[-1]) : ends[-1]].strip():
                ends.pop()
        return ends[-1] if ends else end


def _end(node: Syntax, otherwise: int) -> int:
    """Where a value ends; ``otherwise`` if it is empty and has no place of its own."""
    return max(node.end, otherwise)
