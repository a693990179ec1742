"""The files that fixes change: written as a whole, never over a change that somebody else made."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dag_factory.fixes.propose import Edit, Fix, Rename


class NotWritten(Exception):
    """A file was not changed. ``str()`` of it is the reason."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(reason)
        self.file = file


class Files:
    """The files below ``home`` as they were at first, with some fixes applied."""

    def __init__(self, home: Path, originals: dict[str, bytes]) -> None:
        self._home = home
        self._originals = originals
        self._on_disk = dict(originals)
        self._renamed: set[Rename] = set()

    @property
    def originals(self) -> dict[str, bytes]:
        """The files as they were at first."""
        return self._originals

    def apply(self, fixes: Iterable[Fix]) -> None:
        """Make the files those of the beginning with exactly these fixes. Raises ``NotWritten``."""
        fixes = set(fixes)
        renames = {fix for fix in fixes if isinstance(fix, Rename)}
        for rename in sorted(self._renamed - renames):
            self._rename(rename.to, rename.file)
            self._renamed.remove(rename)
        edits = [fix for fix in fixes if isinstance(fix, Edit)]
        for file in sorted(self._originals):
            wanted = edited(self._originals[file], (edit for edit in edits if edit.file == file))
            if wanted != self._on_disk[file]:
                self._write(file, wanted)
        for rename in sorted(renames - self._renamed):
            self._rename(rename.file, rename.to)
            self._renamed.add(rename)

    def forget(self, file: str) -> None:
        """Leave a file as it is from now on."""
        self._originals.pop(file, None)
        self._renamed = {rename for rename in self._renamed if rename.file != file}

    def _write(self, file: str, data: bytes) -> None:
        path = self._home / file
        try:
            if path.is_symlink():
                raise NotWritten(file, "the file is a link")
            status = path.stat()
            if not os.access(path, os.W_OK) or not status.st_mode & 0o222:
                raise NotWritten(file, "the file is read-only")
            if path.read_bytes() != self._on_disk[file]:
                raise NotWritten(file, "the file changed during the check; run the command again")
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                Path(temporary).chmod(status.st_mode & 0o7777)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as failure:
            raise NotWritten(file, f"the file cannot be written: {failure.strerror}") from failure
        self._on_disk[file] = data

    def _rename(self, file: str, to: str) -> None:
        source, target = self._home / file, self._home / to
        if os.path.lexists(target):
            raise NotWritten(file, f"{to} exists already")
        try:
            source.rename(target)
        except OSError as failure:
            raise NotWritten(file, f"the file cannot be renamed: {failure.strerror}") from failure


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with the edits, which do not overlap."""
    for edit in sorted(edits, reverse=True):
        end = edit.start + len(edit.old.encode())
        assert data[edit.start : end] == edit.old.encode()
        data = data[: edit.start] + edit.new.encode() + data[end:]
    return data
