"""Where keys and items of a document are added and removed, in block style and in flow style."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from dag_factory.edits import render
from dag_factory.edits.document import (
    Document,
    Entry,
    ListSyntax,
    MapSyntax,
    line_start,
    line_stop,
    next_line,
)
from dag_factory.edits.text_edit import TextEdit

_REST_OF_LINE = re.compile(r"[ \t]*(,?)[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_COMMA = re.compile(r"\s*,")

Range = tuple[int, int]


def entry_range(entry: Entry) -> Range:
    """The range of a key and its value."""
    return entry.key.start, max(entry.key.end, entry.value.end)


def parts(node: MapSyntax | ListSyntax) -> tuple[Range, ...]:
    """The ranges of the entries or items of a collection."""
    if isinstance(node, MapSyntax):
        return tuple(map(entry_range, node.entries))
    if node.flow:
        return tuple((item.start, item.end) for item in node.items)
    return tuple((dash, max(item.end, dash + 1)) for dash, item in zip(node.dashes, node.items, strict=True))


def add_entry(
    document: Document, node: MapSyntax, key: str, value: Any, after: int, levels: int = 0
) -> Iterator[TextEdit]:
    """Add a key behind the entry with the index ``after``. ``levels``: as of ``AddKey``."""
    name = render.key_text(key)
    if node.flow:
        yield from _add_in_flow(document, node, f"{name}: {render.in_flow(value)}", after)
    else:
        column = document.column(node.entries[0].key.start)
        yield _new_line(document, node, after, column, f"{name}:{_after_key(document, value, column, levels)}")


def add_item(document: Document, node: ListSyntax, value: Any) -> Iterator[TextEdit]:
    """Add an item at the end of a list."""
    if node.flow:
        yield from _add_in_flow(document, node, render.in_flow(value), len(node.items) - 1)
    else:
        column = document.column(node.dashes[0])
        text = "-" + render.after_dash(value, column, document.line_end)
        yield _new_line(document, node, len(node.items) - 1, column, text)


def copy_entry(document: Document, node: MapSyntax, index: int, to: str) -> Iterator[TextEdit]:
    """Add a copy of an entry behind it, with another key. Comments inside it are copied, too."""
    entry = node.entries[index]
    start, end = entry_range(entry)
    text = render.like(entry.key, to, node.flow)
    if node.flow:
        yield from _add_in_flow(document, node, text + document.text[entry.key.end : end], index)
    else:
        column = document.column(start)
        rest = document.text[entry.key.end : line_stop(document.text, end)]
        yield _new_line(document, node, index, column, text + rest)


def first_entry(document: Document, parent: Entry, key: str, value: Any, levels: int = 0) -> Iterator[TextEdit]:
    """Add the first key of a map that is written as nothing, as ``null`` or as ``{}``."""
    text = document.text
    colon = after_colon(document, parent)
    stop = max(parent.value.end, colon)
    written = f"{render.key_text(key)}: {render.in_flow(value)}"
    if isinstance(parent.value, MapSyntax) and text[stop : line_stop(text, stop)].strip():
        yield TextEdit(parent.value.start, parent.value.end, f"{{{written}}}")
        return
    column = document.column(parent.key.start) + indentation(document)
    line = f"{render.key_text(key)}:{_after_key(document, value, column, levels)}"
    if parent.value.end > parent.value.start:
        yield TextEdit(colon, parent.value.end, "")
    yield insert_at_line_end(document, stop, document.line_end + " " * column + line)


def remove(document: Document, node: MapSyntax | ListSyntax, index: int) -> Iterator[TextEdit]:
    """Remove one of several entries or items, with the comment behind it in its line."""
    ranges = parts(node)
    start, end = ranges[index]
    text = document.text
    if node.flow:
        yield _removed_in_flow(text, ranges, index)
    elif _begins_line(text, start):
        yield _removed_lines(text, start, end)
    elif index + 1 < len(ranges) and not text[end : ranges[index + 1][0]].strip():
        yield TextEdit(start, ranges[index + 1][0], "")
    else:
        yield TextEdit(start, end, "")


def remove_last(document: Document, parent: Entry, empty: str) -> Iterator[TextEdit]:
    """Remove the only entry or item of a collection in block style below a key; ``empty`` is `{}` or `[]`."""
    node = parent.value
    assert isinstance(node, (MapSyntax, ListSyntax))
    colon = after_colon(document, parent)
    start, end = parts(node)[0]
    lines = _removed_lines(document.text, start, end)
    if lines.start == colon:  # the file ends with them
        yield TextEdit(colon, lines.end, f" {empty}")
    else:
        yield TextEdit(colon, colon, f" {empty}")
        yield lines


def insert_at_line_end(document: Document, offset: int, lines: str) -> TextEdit:
    """Insert lines, which begin with a line end, behind the line that has an offset."""
    end = line_stop(document.text, offset)
    is_last = end == len(document.text)  # a text of several lines has to be ended there
    return TextEdit(end, end, lines + (document.line_end if is_last and "|" in lines else ""))


def after_colon(document: Document, entry: Entry) -> int:
    """The offset behind the colon of a key."""
    return document.text.index(":", entry.key.end) + 1


def indentation(document: Document) -> int:
    """The number of spaces by which the first nested map of the document is indented."""
    root = document.root
    for entry in root.entries if isinstance(root, MapSyntax) else ():
        if isinstance(entry.value, MapSyntax) and not entry.value.flow:
            return document.column(entry.value.entries[0].key.start) - document.column(entry.key.start)
    return 2


def _after_key(document: Document, value: Any, column: int, levels: int) -> str:
    if levels and isinstance(value, dict):
        return render.block_map(value, column, document.line_end, levels)
    return render.after_key(value, column, document.line_end)


def _new_line(document: Document, node: MapSyntax | ListSyntax, after: int, column: int, block: str) -> TextEdit:
    """A new line behind an entry or item, after an empty line if such lines separate its neighbors."""
    text, ranges = document.text, parts(node)
    gap = document.line_end if _are_separated(text, ranges) else ""
    return insert_at_line_end(document, ranges[after][1], document.line_end + gap + " " * column + block)


def _are_separated(text: str, ranges: Sequence[Range]) -> bool:
    """Whether an empty line stands between the last two of the ranges."""
    if len(ranges) < 2:
        return False
    between = text[line_stop(text, ranges[-2][1]) : ranges[-1][0]]
    return any(not line.strip() for line in re.split(r"\r\n|\r|\n", between)[1:-1])


def _add_in_flow(document: Document, node: MapSyntax | ListSyntax, written: str, after: int) -> Iterator[TextEdit]:
    text, ranges = document.text, parts(node)
    if not ranges:
        yield TextEdit(node.start, node.end, ("{%s}" if isinstance(node, MapSyntax) else "[%s]") % written)
        return
    start, end = ranges[after]
    rest = _REST_OF_LINE.match(text, end)
    if rest and _begins_line(text, start):  # each entry or item has its own line
        if not rest[1]:
            yield TextEdit(end, end, ",")
        comma = "," if rest[1] or after + 1 < len(ranges) else ""
        line = document.line_end + " " * document.column(start) + written + comma
        yield TextEdit(rest.end(), rest.end(), line)
    else:
        yield TextEdit(end, end, f", {written}")


def _removed_in_flow(text: str, ranges: Sequence[Range], index: int) -> TextEdit:
    start, end = ranges[index]
    if _begins_line(text, start) and _REST_OF_LINE.match(text, end):
        return TextEdit(line_start(text, start), next_line(text, end), "")
    if index + 1 < len(ranges):
        return TextEdit(start, ranges[index + 1][0], "")
    if index:
        return TextEdit(ranges[index - 1][1], end, "")
    comma = _COMMA.match(text, end)
    return TextEdit(start, comma.end() if comma else end, "")


def _removed_lines(text: str, start: int, end: int) -> TextEdit:
    """Whole lines, and one of the two empty lines that would meet."""
    first, after = line_start(text, start), next_line(text, end)
    if line_stop(text, end) == len(text):  # nothing ends the last line: its predecessor becomes the last one
        return TextEdit(len(text[:first].rstrip("\r\n")) if first else 0, len(text), "")
    before = text[line_start(text, first - 1) : first].strip() if first else ""
    if not before and after < len(text) and not text[after : line_stop(text, after)].strip():
        after = next_line(text, after)
    return TextEdit(first, after, "")


def _begins_line(text: str, offset: int) -> bool:
    return not text[line_start(text, offset) : offset].strip()
