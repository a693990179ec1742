"""The shape of the table of problem codes.

To add a code, add an ``Entry`` to the section that fits, and run ``make docs``: it writes the type ``Code``, which
mypy checks every use against, and ``docs/problems.md``.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One code. The texts are sentences in Markdown.

    ``automatic`` is what `dagf check --fix` does; empty if people must decide.
    """

    code: str
    meaning: str
    fix: str
    automatic: str = ""


class Section(NamedTuple):
    """A section of ``docs/problems.md``; its entries are sorted by code."""

    title: str
    entries: tuple[Entry, ...]
