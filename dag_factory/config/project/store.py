"""Small files by name in a folder that cannot be relied on: what is lost or damaged is as if never kept.

Each entry is written aside and moved into place, and carries a digest of itself, so that neither a crash nor
another process ever shows half of one. A folder that another user could write to is not used. Nothing that
is kept is code.
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
_LARGEST = 128 * 1024 * 1024  # bytes; a file's outcome is bounded by what a file may make
_PARTIAL = ".partial-"


class Store:
    """A folder of entries. No method raises for what the folder or the disk does."""

    def __init__(self, folder: Path | None, most: int | None = None) -> None:
        """``folder`` None keeps nothing; ``most`` is how many entries ``trim`` leaves."""
        self._folder = folder
        self._most = most
        self.error = ""
        """Why the last entry could not be written."""

    @cached_property
    def is_usable(self) -> bool:
        """Whether the folder is there, or can be made, and belongs to this user alone."""
        return self._folder is not None and _own(self._folder)

    def get(self, name: str) -> bytes | None:
        """What was kept under a name, or None."""
        path = self._path(name)
        if path is None:
            return None
        try:
            kept = _read(path)
        except OSError:
            return None
        data = kept[_DIGEST:]
        if kept[:_DIGEST] != _checksum(name, data):
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108
            return None
        return data

    def put(self, name: str, data: bytes) -> bool:
        """Keep something under a name, in place of what was kept before. Whether that could be done."""
        path = self._path(name)
        if path is None:
            return False
        # The folder is this user's alone, so nobody else can have put a link there by that name.
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
        """Forget what was kept under a name."""
        path = self._path(name)
        if path is not None:
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108

    def by_age(self) -> list[str]:
        """Every name under which something is kept, what was written last coming last."""
        return [name for _, name in self._entries() if not name.startswith(_PARTIAL)]

    def trim(self, needed: Collection[str] = ()) -> None:
        """Forget the entries that were written longest ago, where there are more than the store keeps.

        What is ``needed`` stays.
        """
        spare = [name for _, name in self._entries() if name not in needed]
        for name in spare[: max(0, len(spare) - self._most)] if self._most is not None else ():
            with contextlib.suppress(OSError):
                Path(str(self._folder), name).unlink()

    def _entries(self) -> list[tuple[int, str]]:
        """The time and the name of each entry, of one that was never finished too; in order."""
        if self._folder is None or not self.is_usable:
            return []
        found: list[tuple[int, str]] = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._folder):
                with contextlib.suppress(OSError):  # another process may forget it meanwhile
                    if entry.is_file(follow_symlinks=False):
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
        return sorted(found)

    def _path(self, name: str) -> str | None:
        # A name may come from an entry: a list of the last good says what others are called.
        return f"{self._folder}/{name}" if self.is_usable and "/" not in name and "\0" not in name else None


def _own(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    mine = found.st_uid == os.geteuid()
    return stat.S_ISDIR(found.st_mode) and mine and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(path: str) -> bytes:
    """A regular file's bytes; nothing waits where there is a pipe, and no link is followed. Raises ``OSError``."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise OSError(errno.EINVAL, "no entry of ours", path)
        return os.read(handle, found.st_size)
    finally:
        os.close(handle)


def _checksum(name: str, data: bytes) -> bytes:
    """Of the name too: an entry that was moved to another's place is none."""
    return hashlib.blake2b(data, digest_size=_DIGEST, key=hashlib.blake2b(name.encode()).digest()).digest()
