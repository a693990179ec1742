"""Rewrite text that libyaml reads differently from YAML 1.2, before it is parsed.

Both cases are rare: a file without them costs one search. Positions remain those of the file.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

import msgspec
import yaml

_BREAKS = re.compile("[\x85\u2028\u2029]")
_UNUSED = "\uf8f0\uf8f1\uf8f2\uf8f3\uf8f4\uf8f5\uf8f6\uf8f7\uf8f8\uf8f9\uf8fa\uf8fb\uf8fc\uf8fd\uf8fe\uf8ff"
_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE | re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SHORTER = 2  # `\U0001f600` is two characters shorter than `\ud83d\ude00`


class ColumnShifts(msgspec.Struct, frozen=True):
    """The columns, by line, after which the rewritten text is shorter than the file; both count from 0."""

    columns: dict[int, list[int]] = {}

    def column(self, line: int, column: int) -> int:
        """The column in the file of a column in the rewritten text."""
        before = self.columns.get(line)
        return column + _SHORTER * bisect_left(before, column) if before else column


def lines(text: str) -> list[str]:
    """The lines of a text as YAML 1.2 counts them: only CR and LF end a line."""
    return _LINE_END.split(text)


def replace_breaks(text: str) -> tuple[str, dict[int, str]]:
    """Replace NEL, LS and PS by unused characters; also return the table that translates them back.

    For libyaml these three end a line, and so a comment; in YAML 1.2 they are ordinary characters.
    """
    found = sorted(set(_BREAKS.findall(text)))
    if not found:
        return text, {}
    free = (char for char in _UNUSED if char not in text)
    replacements = dict(zip(found, free, strict=False))
    return text.translate(str.maketrans(replacements)), {ord(new): old for old, new in replacements.items()}


def join_surrogate_pairs(text: str, loader: Any) -> tuple[str, ColumnShifts] | None:
    """Join each pair of surrogate escapes in double quotes, which JSON uses beyond U+FFFF, into one escape.

    None if there is no such pair, or if the text cannot be parsed for another reason. ``loader`` is PyYAML's.
    """
    probe = _SURROGATE.sub(r"\\u0041", text)  # of the same length, so that positions stay the same
    if probe == text:
        return None
    try:
        events: list[Any] = [event for event in yaml.parse(probe, Loader=loader) if isinstance(event, yaml.ScalarEvent)]
    except yaml.YAMLError:
        return None
    quoted = [(event.start_mark.index, event.end_mark.index) for event in events if event.style == '"']
    escapes = (found for first, last in quoted for found in _ESCAPE.finditer(text, first, last))
    pairs = [found for found in escapes if found[1]]
    if not pairs:
        return None
    end, length = 0, 0
    parts: list[str] = []
    ends: list[int] = []
    for found in pairs:
        parts += (text[end : found.start()], _joined(found[1], found[2]))
        length += len(parts[-2]) + len(parts[-1])
        ends.append(length)
        end = found.end()
    joined = "".join((*parts, text[end:]))
    return joined, ColumnShifts(_columns(joined, ends))


def _joined(high: str, low: str) -> str:
    return f"\\U{0x10000 + (int(high, 16) - 0xD800 << 10) + int(low, 16) - 0xDC00:08x}"


def _columns(text: str, ends: list[int]) -> dict[int, list[int]]:
    """The columns of some indexes by line, in order."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
    columns: dict[int, list[int]] = {}
    for index in ends:
        line = bisect_left(starts, index + 1) - 1
        columns.setdefault(line, []).append(index - starts[line] - 1)
    return columns
