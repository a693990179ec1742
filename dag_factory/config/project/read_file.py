"""A pipeline file as it was read."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import NamedTuple

from dag_factory.config.problems import Problem
from dag_factory.config.source import files
from dag_factory.config.source.layout import file_of


class Text(NamedTuple):
    """A pipeline file as it was read: its id, its name, and its bytes or what keeps them from being read."""

    id: str
    file: str
    data: bytes | Problem


def read(home: FilePath, file_id: str) -> Text:
    """Read a pipeline's file: one of ``list_files``, or one that ``is_there``; both follow no link to a folder."""
    file = file_of(file_id)
    return Text(file_id, file, files.read_listed(f"{home}/{file}", f"{home}/configs", file))
