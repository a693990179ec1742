"""The contents of a plan for people, which the terminal and a comment render in their own way.

A piece with the role ``words`` is ours. All other pieces contain text of the project, which may be hostile.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal["words", "strong", "name", "sentence", "before", "after"]
"""``strong``: words that stand out. ``name``: shown literally. ``sentence``: prose with names in backticks.

``before`` and ``after``: the two values of a change, shown literally.
"""
Tone = Literal["", "strong", "added", "removed", "changed", "risk", "faint"]


class Piece(NamedTuple):
    """A part of a line. ``tone`` is its color in a terminal."""

    text: str
    role: Role = "words"
    tone: Tone = ""


class Item(NamedTuple):
    """A line and what belongs to it. ``diff`` has the lines of a text that changed, each with `+`, `-` or a space."""

    pieces: tuple[Piece, ...]
    children: tuple[Item, ...] = ()
    diff: tuple[str, ...] = ()


class Section(NamedTuple):
    """A heading with items. ``folded``: a comment shows the children of an item only when the reader opens it.

    ``share``: the part of the free space of a comment that the section may use if it has a limit.
    """

    title: str
    items: tuple[Item, ...]
    note: tuple[Piece, ...] = ()
    folded: bool = False
    share: float = 1.0
    noun: str = "entry"
    tone: Tone = ""


class Outline(NamedTuple):
    """The whole plan. ``facts`` are the revisions, the environments and what was analyzed, one line each."""

    facts: tuple[tuple[Piece, ...], ...]
    summary: tuple[Item, ...]
    sections: tuple[Section, ...]


def words(text: str, tone: Tone = "") -> Piece:
    """Text of ours."""
    return Piece(text, "words", tone)


def name(text: str, tone: Tone = "") -> Piece:
    """A name or a value of the project, which is shown literally."""
    return Piece(text, "name", tone)


def count(number: int, noun: str) -> str:
    """``1 job``, ``1,200 jobs``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def names(all_names: list[str] | tuple[str, ...], longest: int = 12) -> tuple[Piece, ...]:
    """The names with commas; of a long list the first ones, and how many more there are."""
    shown = all_names if len(all_names) <= longest + 2 else all_names[:longest]
    pieces: list[Piece] = []
    for one in shown:
        pieces += [words(", "), name(one)] if pieces else [name(one)]
    if len(shown) < len(all_names):
        pieces.append(words(f" and {len(all_names) - len(shown):,} more"))
    return tuple(pieces)
