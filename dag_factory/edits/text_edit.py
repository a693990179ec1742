"""A change of a text: the ranges that it replaces, known before it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec


class TextEdit(msgspec.Struct, frozen=True, order=True):
    """Replaces the characters from ``start`` up to ``end`` by ``text``; offsets count characters of the old text."""

    start: int
    end: int
    text: str


class Overlap(ValueError):
    """Two edits of one change replace the same characters."""


def in_order(edits: Iterable[TextEdit]) -> tuple[TextEdit, ...]:
    """The edits from the start of the text to its end, without those that change nothing.

    Raises ``Overlap``. Two edits may touch; two insertions at the same place are an overlap, because their order is
    unknown.
    """
    ordered = sorted(edit for edit in edits if edit.start != edit.end or edit.text)
    for before, after in pairwise(ordered):
        if before.end > after.start or before.start == after.start:
            raise Overlap
    return tuple(ordered)


def apply(text: str, edits: Sequence[TextEdit]) -> str:
    """The text with the edits, which are in order."""
    parts: list[str] = []
    done = 0
    for edit in edits:
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join((*parts, text[done:]))


def invert(text: str, edits: Sequence[TextEdit]) -> tuple[TextEdit, ...]:
    """The edits that lead from the changed text back to ``text``."""
    back, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        back.append(TextEdit(start, start + len(edit.text), text[edit.start : edit.end]))
        shift += len(edit.text) - (edit.end - edit.start)
    return tuple(back)


def trimmed(text: str, edit: TextEdit) -> TextEdit:
    """The edit without the characters at both ends that it replaces by themselves."""
    old, new = text[edit.start : edit.end], edit.text
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    return TextEdit(edit.start + head, edit.end - tail, new[head : len(new) - tail])


def _common(one: str, other: str) -> int:
    length = min(len(one), len(other))
    return next((index for index in range(length) if one[index] != other[index]), length)
