"""Small files by name in a folder that may lose them: a lost or damaged entry counts as never stored.

Each entry is written to a temporary file, moved into place, and has a checksum, so neither a crash nor another process
ever shows half of an entry. A folder that another user could write to is not used. No entry holds code.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

_DIGEST = 16  # bytes
_LARGEST = 128 * 1024 * 1024  # bytes; the limits on a file bound the size of its result
_PARTIAL = ".partial-"


class Store:
    """A folder of entries. No method raises for a fault of the folder or the disk."""

    def __init__(self, folder: Path | None, max_entries: int | None = None) -> None:
        """Without a ``folder``, nothing is stored. ``trim`` leaves at most ``max_entries``."""
        self._folder = folder
        self._max_entries = max_entries
        self.error = ""
        """Why the last entry could not be written."""

    @cached_property
    def is_usable(self) -> bool:
        """Whether the folder exists or can be created, and only this user may write to it."""
        return self._folder is not None and _is_private(self._folder)

    def get(self, name: str) -> bytes | None:
        """The entry of this name, or None."""
        path = self._path(name)
        if path is None:
            return None
        try:
            entry = _read(path)
        except OSError:
            return None
        data = entry[_DIGEST:]
        if entry[:_DIGEST] != _checksum(name, data):
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108
            return None
        return data

    def put(self, name: str, data: bytes) -> bool:
        """Store an entry, replacing any entry of this name. Return False if that failed."""
        path = self._path(name)
        if path is None:
            return False
        # Only this user can write to the folder, so nobody else can have created a link of that name.
        partial = f"{self._folder}/{_PARTIAL}{os.getpid()}-{threading.get_ident()}"
        try:
            with open(partial, "wb") as stream:  # noqa: PTH123
                stream.write(_checksum(name, data) + data)
            os.replace(partial, path)  # noqa: PTH105
        except OSError as failure:
            self.error = failure.strerror or type(failure).__name__
            with contextlib.suppress(OSError):
                os.unlink(partial)  # noqa: PTH108
            return False
        return True

    def drop(self, name: str) -> None:
        """Remove the entry of this name."""
        path = self._path(name)
        if path is not None:
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108

    def by_age(self) -> list[str]:
        """The names of all entries, newest last."""
        return [name for _, name in self._entries() if not name.startswith(_PARTIAL)]

    def trim(self, needed: Collection[str] = ()) -> None:
        """Remove the oldest entries if there are more than ``max_entries``. Entries that are ``needed`` stay."""
        spare = [name for _, name in self._entries() if name not in needed]
        for name in spare[: max(0, len(spare) - self._max_entries)] if self._max_entries is not None else ():
            with contextlib.suppress(OSError):
                Path(str(self._folder), name).unlink()

    def _entries(self) -> list[tuple[int, str]]:
        """The time and the name of each entry, oldest first, including unfinished ones."""
        if self._folder is None or not self.is_usable:
            return []
        found: list[tuple[int, str]] = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._folder):
                with contextlib.suppress(OSError):  # another process may remove it meanwhile
                    if entry.is_file(follow_symlinks=False):
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
        return sorted(found)

    def _path(self, name: str) -> str | None:
        # A name may come from an entry: a list of last good versions names other entries.
        return f"{self._folder}/{name}" if self.is_usable and "/" not in name and "\0" not in name else None


def _is_private(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    mine = found.st_uid == os.geteuid()
    return stat.S_ISDIR(found.st_mode) and mine and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(path: str) -> bytes:
    """The bytes of a regular file. Does not wait for a pipe, and follows no link. Raises ``OSError``."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise OSError(errno.EINVAL, "not an entry of this store", path)
        return os.read(handle, found.st_size)
    finally:
        os.close(handle)


def _checksum(name: str, data: bytes) -> bytes:
    """A checksum of the data and the name: an entry that was renamed is invalid."""
    return hashlib.blake2b(data, digest_size=_DIGEST, key=hashlib.blake2b(name.encode()).digest()).digest()
