"""Small files by name in a folder that cannot be relied on: what is lost or damaged is as if never kept.

Each entry is written aside and moved into place, and carries a digest of itself, so that neither a crash nor
another process ever shows half of one. A folder that another user could write to is not used. Nothing that
is kept is code.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

_DIGEST = 16  # bytes
_PARTIAL = ".partial-"


def digest(*parts: bytes) -> str:
    """One name for some bytes; the boundaries between the parts count."""
    whole = hashlib.blake2b(digest_size=20)
    for part in parts:
        whole.update(len(part).to_bytes(8, "little"))
        whole.update(part)
    return whole.hexdigest()


class Store:
    """A folder of entries. No method raises for what the folder or the disk does."""

    def __init__(self, folder: Path | None, most: int) -> None:
        """``folder`` None keeps nothing; ``most`` is how many entries are kept."""
        self._folder = folder
        self._most = most
        self._usable: bool | None = None

    def get(self, name: str) -> bytes | None:
        """What was kept under a name, or None."""
        path = self._path(name)
        if path is None:
            return None
        try:
            with path.open("rb") as stream:
                kept = stream.read()
        except OSError:
            return None
        data = kept[_DIGEST:]
        if kept[:_DIGEST] != _checksum(data):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return data

    def put(self, name: str, data: bytes) -> None:
        """Keep something under a name, in place of what was kept before."""
        path = self._path(name)
        if path is None or self._folder is None:
            return
        try:
            handle, partial = tempfile.mkstemp(prefix=_PARTIAL, dir=self._folder)
        except OSError:
            return
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(_checksum(data) + data)
            Path(partial).replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(partial).unlink()

    def drop(self, name: str) -> None:
        """Forget what was kept under a name."""
        path = self._path(name)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def names(self) -> Iterator[str]:
        """Every name under which something is kept, sorted."""
        if self._folder is None or not self.is_usable():
            return
        with contextlib.suppress(OSError):
            yield from sorted(entry.name for entry in self._folder.iterdir() if not entry.name.startswith("."))

    def trim(self, needed: Collection[str] = ()) -> None:
        """Forget the entries that were written longest ago, where there are more than the store keeps.

        What is ``needed`` stays.
        """
        if self._folder is None or not self.is_usable():
            return
        try:
            entries = [
                (entry.stat().st_mtime, entry.path)
                for entry in os.scandir(self._folder)
                if entry.name not in needed and entry.is_file()
            ]
        except OSError:
            return
        entries.sort()
        for _, path in entries[: max(0, len(entries) - self._most)]:
            with contextlib.suppress(OSError):
                Path(path).unlink()

    def _path(self, name: str) -> Path | None:
        if self._folder is None or not self.is_usable():
            return None
        return self._folder / name

    def is_usable(self) -> bool:
        """Whether the folder is there, or can be made, and belongs to this user alone."""
        if self._usable is None:
            self._usable = self._folder is not None and _own(self._folder)
        return self._usable


def _own(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    mine = found.st_uid == os.geteuid()
    return stat.S_ISDIR(found.st_mode) and mine and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST).digest()
