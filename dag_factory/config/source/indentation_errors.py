"""Explain syntax errors that come from wrong indentation, and name the line to follow."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NOT_IN_BLOCK = re.compile(r"did not find expected (key|'-' indicator) while parsing a block|expected <block end>")
_COMPLETE = re.compile(r"\s*(- +)*[^\s#'\"\[{][^#]*: +[^\s|>&*#]")
"""A line with a key and its value."""
_COLON = re.compile(r":(\s|$)")
_SINGLE_KEY = re.compile(r"\s*[\w.-]+:(\s|$)")


def explain(message: str, lines: Sequence[str], line: int) -> tuple[str, str] | None:
    """The message and the hint for a line (from 1) with wrong indentation; None if something else is wrong.

    ``message`` is the parser's message, ``lines`` are the lines of the file.
    """
    text = lines[line - 1]
    indent = _indent(text)
    above = [number for number in range(line - 1, 0, -1) if _has_content(lines[number - 1])]
    if not above:
        return None
    if _NOT_IN_BLOCK.search(message):
        indents = {_indent(lines[number - 1]): number for number in reversed(above)}  # the nearest line of each
        if indent in indents:
            return None
        less = max((other for other in indents if other < indent), default=None)
        more = min((other for other in indents if other > indent), default=None)
        hints = [_like(lines, indents[other]) for other in (less, more) if other is not None]
        return "the indentation of this line matches no line above it", ", or ".join(hints)
    if "mapping values are not allowed" in message:
        before = lines[above[0] - 1]
        if indent > _indent(before) and _COMPLETE.match(before) and _COMPLETE.match(f"{text} x"):
            reason = f"this line is indented deeper than line {above[0]}, which already has a value"
            return reason, _like(lines, above[0])
        if not _COLON.search(before):
            return _missing_colon(text, before.strip(), above[0])
    if "expected <document start>" in message and not text.startswith(("---", "...")):
        first = above[-1]
        if indent < _indent(lines[first - 1]):
            return f"this line is indented less than the first key, on line {first}", _like(lines, first)
    return None


def _missing_colon(text: str, before: str, number: int) -> tuple[str, str]:
    if not _SINGLE_KEY.match(text):
        return "a text of several lines contains `: `", "write `|` after the key, such as `script: |`"
    if ":" in before:
        return f"line {number} has no space after `:`", f"write a space after the `:` of the key on line {number}"
    return (
        f"line {number} has no `:` after its key",
        f"write `:` after the key on line {number}, or put quotes around a text of several lines",
    )


def _like(lines: Sequence[str], number: int) -> str:
    spaces = _indent(lines[number - 1])
    if not spaces:
        return f"remove the spaces before it, as on line {number}"
    return f"put exactly {spaces} space{'' if spaces == 1 else 's'} before it, as on line {number}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _has_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
