"""What one `dagf new` adds, as data: new files, an entry of a table, and what to do next."""

from __future__ import annotations

from typing import Any

import msgspec

from dag_factory.config.positions import Position
from dag_factory.config.source.yaml_writer import one_line
from dag_factory.config.tree import from_python


class Entry(msgspec.Struct, frozen=True):
    """An entry of the map ``table`` in ``file``. ``comment`` begins the file if it does not exist yet.

    ``block``: with one line for each key of ``value``.
    """

    file: str
    table: str
    name: str
    value: dict[str, Any]
    comment: str
    block: bool = False


class Addition(msgspec.Struct, frozen=True):
    """New files by their paths in the project, and an entry. ``steps`` are whole lines for a person."""

    files: dict[str, str] = {}
    entry: Entry | None = None
    steps: tuple[str, ...] = ()


def yaml_text(value: Any) -> str:
    """A value as YAML in one line, with quotes where they are needed."""
    return one_line(from_python(value, Position("")))
