"""Reading files below ``configs/``: bounded, UTF-8, never through a link that leads outside."""

from __future__ import annotations

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
        real = path.resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            message = "the file is a link that leads out of `configs/`"
            return Problem(file, 0, 0, "outside-configs", message, hint="commit the file itself")
        if not real.is_file():
            return Problem(file, 0, 0, "not-a-file", "this is no regular file", hint="commit a file")
        with real.open("rb") as stream:
            data = stream.read(BOUNDS.file_bytes + 1)
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
