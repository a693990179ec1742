"""Reading files below ``configs/``: bounded, UTF-8, never through a link that leads outside."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from dag_factory.config.problems import Problem
from dag_factory.settings import BOUNDS


def read_bytes(path: Path | str, root: Path | str, file: str) -> bytes | Problem:
    """A configuration file's bytes, or the problem that keeps them from being read.

    ``root`` is the folder that the file, once links are followed, must stay below; ``file`` is the
    name that the problem carries.
    """
    try:
        real, below = os.path.realpath(path, strict=True), os.path.realpath(root)
        if os.path.commonpath((real, below)) != below:
            message = "the file is a link that leads out of `configs/`"
            return Problem(file, 0, 0, "outside-configs", message, hint="commit the file itself")
        return _read(real, file)
    except (OSError, RuntimeError) as failure:
        return _unreadable(failure, file)


def read_listed(path: str, root: Path | str, file: str) -> bytes | Problem:
    """The same for a file in a folder of which it is known that no link leads there: in a third of the time."""
    try:
        return _read(path, file, os.O_NOFOLLOW)
    except OSError as failure:
        if failure.errno == errno.ELOOP:  # the file itself is a link
            return read_bytes(path, root, file)
        return _unreadable(failure, file)


def _read(path: str, file: str, flags: int = 0) -> bytes | Problem:
    """Raises ``OSError``. Does not wait for whoever may write to a pipe."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return Problem(file, 0, 0, "not-a-file", "this is no regular file", hint="commit a file")
        with open(handle, "rb", closefd=False) as stream:
            data = stream.read(min(found.st_size, BOUNDS.file_bytes) + 1)  # room is made for all that is asked for
    finally:
        os.close(handle)
    if len(data) > BOUNDS.file_bytes:
        message = f"larger than {BOUNDS.file_bytes:,} bytes"
        return Problem(file, 0, 0, "too-large", message, hint="divide it into several pipelines")
    return data


def _unreadable(failure: Exception, file: str) -> Problem:
    reason = failure.strerror if isinstance(failure, OSError) and failure.strerror else "a link in a loop"
    return Problem(file, 0, 0, "unreadable", f"cannot be read: {reason}", hint="check that it exists and its mode")


def text_of(data: bytes, file: str) -> str | Problem:
    """The bytes as text, or the problem that they are none."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        before = data[: failure.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{data[failure.start]:02x} is not UTF-8"
        return Problem(file, line, column, "not-utf-8", message, hint="save the file as UTF-8")
