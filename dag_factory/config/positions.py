"""Positions in files and paths in documents."""

from __future__ import annotations

import msgspec

KeyPath = tuple[str | int, ...]
"""Steps into a document: keys and list indexes."""


class Position(msgspec.Struct, frozen=True, gc=False):
    """A position in a file. ``line`` and ``column`` count from 1; 0 means the file as a whole.

    A position in a template has a ``caller``: the position that calls the template.
    """

    file: str
    line: int = 0
    column: int = 0
    caller: Position | None = None

    @property
    def location(self) -> str:
        """``file:line:column`` where a person edits the value; for a value in a template, that of the call."""
        return self.caller.location if self.caller else f"{self.file}:{self.line}:{self.column}"


def dotted(path: KeyPath) -> str:
    """A path as text: ``jobs.train.args[2]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
