"""A pipeline file as read from disk."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from dag_factory.config.ids import FileId
from dag_factory.config.problems import Problem
from dag_factory.config.source import files
from dag_factory.config.source.layout import file_of


class Text(NamedTuple):
    """A pipeline file: its id, its name, and its bytes or the problem that prevents reading them."""

    id: FileId
    file: str
    data: bytes | Problem


def read(home: Path, file_id: FileId) -> Text:
    """Read a pipeline file that ``list_files`` lists or that ``file_exists``; both exclude linked folders."""
    file = file_of(file_id)
    return Text(file_id, file, files.read_listed(f"{home}/{file}", f"{home}/configs", file))
