"""Write new files: all of them or none, and never over a file that exists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path


class NotWritten(Exception):
    """No file was written. ``str()`` of it is the reason."""


def existing_files(root: Path, names: Iterable[str]) -> list[str]:
    """The names that exist below ``root``, also as a folder or as a link to nothing."""
    return [name for name in names if os.path.lexists(root / name)]


def write_new_files(root: Path, files: Mapping[str, str]) -> None:
    """Write the text of each file, by its path below ``root``. Raises ``NotWritten``.

    After a failure or an interrupt, the files and folders that this call made are removed again.
    """
    made: list[Path] = []
    try:
        for name, text in files.items():
            path = root / name
            for folder in reversed([one for one in path.parents if not os.path.lexists(one)]):
                folder.mkdir()
                made.append(folder)
            with path.open("x", encoding="utf-8", newline="\n") as stream:
                made.append(path)
                stream.write(text)
    except BaseException as failure:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        if isinstance(failure, FileExistsError):
            raise NotWritten(f"{failure.filename} exists already") from failure
        if isinstance(failure, OSError):
            raise NotWritten(f"{failure.filename} cannot be written: {failure.strerror}") from failure
        raise
