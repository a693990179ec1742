"""Reading files below ``configs/``: bounded, UTF-8, never through a link that leads outside."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dag_factory.config.problems import Problem
from dag_factory.settings import BOUNDS


def read_text(path: Path, root: Path, file: str) -> str | Problem:
    """A configuration file's text, or the problem that keeps it from being read; see ``read_bytes``."""
    data = read_bytes(path, root, file)
    return data if isinstance(data, Problem) else text_of(data, file)


def read_bytes(path: Path, root: Path, file: str) -> bytes | Problem:
    """A configuration file's bytes, or the problem that keeps them from being read.

    ``root`` is the folder that the file, once links are followed, must stay below; ``file`` is the
    name that the problem carries.
    """
    try:
        # As text: a path's own methods take twice as long, which counts where thousands of files are read.
        real, below = os.path.realpath(path, strict=True), os.path.realpath(root)
        if os.path.commonpath((real, below)) != below:
            message = "the file is a link that leads out of `configs/`"
            return Problem(file, 0, 0, "outside-configs", message, hint="commit the file itself")
        found = os.stat(real)  # noqa: PTH116
        if not stat.S_ISREG(found.st_mode):
            return Problem(file, 0, 0, "not-a-file", "this is no regular file", hint="commit a file")
        with open(real, "rb") as stream:  # noqa: PTH123
            data = stream.read(min(found.st_size, BOUNDS.file_bytes) + 1)  # room is made for all that is asked for
    except (OSError, RuntimeError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) and failure.strerror else "a link in a loop"
        return Problem(file, 0, 0, "unreadable", f"cannot be read: {reason}", hint="check that it exists and its mode")
    if len(data) > BOUNDS.file_bytes:
        message = f"larger than {BOUNDS.file_bytes:,} bytes"
        return Problem(file, 0, 0, "too-large", message, hint="divide it into several pipelines")
    return data


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
