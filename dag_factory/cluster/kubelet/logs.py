"""The logs of containers: files of ``TIME stdout F text`` lines. Any number of clients can read a log while it grows.

A file that is too long is rotated to ``N.log.INDEX``, and the oldest files are deleted. As on a real node, a client
reads the newest file only; a client that follows the log receives everything.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..objects import clock

FILE_BYTES = 10 * 1024 * 1024  # the kubelet's containerLogMaxSize
FILES = 5  # the kubelet's containerLogMaxFiles; it includes the current file
_MAX_LINE = 16384  # bytes; container runtimes split longer lines, too


@dataclass(frozen=True)
class LogOptions:
    """``since`` is in seconds since 1970."""

    follow: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: float | None = None
    limit: int | None = None


class ContainerLog:
    """The log of one run of a container. ``open``: the container can still write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._size = 0
        self.index = 0  # files rotated so far
        self._partial = b""
        self._more = asyncio.Event()
        self.open = True

    def write(self, data: bytes) -> None:
        lines = (self._partial + data).split(b"\n")
        self._partial = lines.pop()
        stamp = _stamp()
        out = []
        for line in lines:
            while len(line) > _MAX_LINE:
                out.append(b"%s stdout P %s\n" % (stamp, line[:_MAX_LINE]))
                line = line[_MAX_LINE:]
            out.append(b"%s stdout F %s\n" % (stamp, line))
        while len(self._partial) >= _MAX_LINE:
            out.append(b"%s stdout P %s\n" % (stamp, self._partial[:_MAX_LINE]))
            self._partial = self._partial[_MAX_LINE:]
        if out:
            self._append(b"".join(out))

    def close(self) -> None:
        """Write the last line, which may have no line end, and close the file."""
        if self.open:
            if self._partial:
                self._append(b"%s stdout P %s\n" % (_stamp(), self._partial))
                self._partial = b""
            self.open = False
            self._file.close()
            self._wake()

    def _append(self, data: bytes) -> None:
        if self._size >= FILE_BYTES:
            self._rotate()
        self._file.write(data)
        self._file.flush()
        self._size += len(data)
        self._wake()

    def _rotate(self) -> None:
        self._file.close()
        self.path.rename(rotated_path(self.path, self.index))
        self.index += 1
        rotated_path(self.path, self.index - FILES).unlink(missing_ok=True)
        self._file, self._size = self.path.open("ab"), 0

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()


def rotated_path(path: Path, index: int) -> Path:
    """The path of the ``index``-th file of a log after its rotation."""
    return path.with_name(f"{path.name}.{index}")


async def read(path: Path, log: ContainerLog | None, options: LogOptions) -> AsyncIterator[bytes]:
    """The text of a log, in chunks. With ``follow``, until ``log`` is closed. A deleted log ends."""
    remaining = options.limit
    index = log.index if log else 0
    file = path.open("rb")
    try:
        if options.tail is not None:
            file.seek(_tail_offset(path, options))
        partial, continues = b"", False
        while True:
            waiting = log._more if log else None
            was_open = log is not None and log.open
            newest = log.index if log else 0
            data = file.read(1 << 18)
            if data:
                lines = (partial + data).split(b"\n")
                partial = lines.pop()
                rendered = []
                for line in lines:
                    rendered.append(_render(line, options, continues=continues))
                    continues = _is_partial(line)
                chunk = b"".join(rendered)
                if remaining is not None:
                    chunk = chunk[:remaining]
                    remaining -= len(chunk)
                if chunk:
                    yield chunk
                if remaining == 0:
                    return
                if len(data) == 1 << 18:
                    await asyncio.sleep(0)  # let other tasks run while a long log is read
            elif options.follow and index < newest:
                index = max(index + 1, newest - FILES + 1)  # older files are deleted
                file.close()
                file = (path if index == newest else rotated_path(path, index)).open("rb")
            elif not (options.follow and was_open):
                return
            elif waiting is not None:
                await waiting.wait()
    finally:
        file.close()


def last_lines(path: Path, lines: int, size: int) -> str:
    """The end of a log without timestamps: at most ``lines`` lines and ``size`` bytes."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4 * size))
            last = deque(file.read().splitlines(), maxlen=lines)
    except OSError:
        return ""
    text = b"".join(_render(line, LogOptions(), continues=False) for line in last)
    return text[-size:].decode(errors="replace")


def _stamp() -> bytes:
    now = time.time_ns()
    seconds = datetime.fromtimestamp(now // 1_000_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return b"%s.%09dZ" % (seconds.encode(), now % 1_000_000_000)


def _is_partial(line: bytes) -> bool:
    """Whether the next line of the file continues the same line of the container."""
    return line.split(b" ", 3)[2:3] == [b"P"]


def _render(line: bytes, options: LogOptions, *, continues: bool) -> bytes:
    """The text of one line of the file. Only the first part of a long line gets the timestamp."""
    parts = line.split(b" ", 3)
    if len(parts) < 4:
        return b""
    stamp, _, tag, text = parts
    if options.since is not None and clock.parse(stamp.decode()) < options.since:
        return b""
    end = b"\n" if tag == b"F" else b""
    return (stamp + b" " if options.timestamps and not continues else b"") + text + end


def _tail_offset(path: Path, options: LogOptions) -> int:
    """The offset of the last ``tail`` lines. Reads the file from its end."""
    count, size = options.tail or 0, path.stat().st_size
    if count <= 0:
        return size
    found, position, block = 0, size, 1 << 16
    with path.open("rb") as file:
        while position > 0:
            start = max(0, position - block)
            file.seek(start)
            data = file.read(position - start)
            at = len(data)
            while (at := data.rfind(b"\n", 0, at)) >= 0:
                if start + at == size - 1:
                    continue  # the line end of the last line
                found += 1
                if found == count:
                    return start + at + 1
            position = start
    return 0
