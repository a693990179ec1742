"""Containers' logs: files of ``TIME stdout F text`` lines, written as output comes and read by any number at once.

A file that has grown too long is put aside as ``N.log.INDEX`` and a new one begun; the oldest go. As on a real node a
reader gets the newest file, and one that follows gets everything.
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
FILES = 5  # the kubelet's containerLogMaxFiles, the one that is written to among them
_LONGEST = 16384  # bytes of a line; a longer one is written in parts, as container runtimes do


@dataclass(frozen=True)
class LogOptions:
    """``since`` is in seconds since 1970."""

    follow: bool = False
    timestamps: bool = False
    tail: int | None = None
    since: float | None = None
    limit: int | None = None


class ContainerLog:
    """The log of one run of a container. ``open`` while the container can still write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._size = 0
        self.index = 0  # files put aside so far
        self._rest = b""
        self._more = asyncio.Event()
        self.open = True

    def write(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        stamp = _stamp()
        out = []
        for line in lines:
            while len(line) > _LONGEST:
                out.append(b"%s stdout P %s\n" % (stamp, line[:_LONGEST]))
                line = line[_LONGEST:]
            out.append(b"%s stdout F %s\n" % (stamp, line))
        while len(self._rest) >= _LONGEST:
            out.append(b"%s stdout P %s\n" % (stamp, self._rest[:_LONGEST]))
            self._rest = self._rest[_LONGEST:]
        if out:
            self._put(b"".join(out))

    def close(self) -> None:
        """What the container left without a line's end is a line too."""
        if self.open:
            if self._rest:
                self._put(b"%s stdout P %s\n" % (_stamp(), self._rest))
                self._rest = b""
            self.open = False
            self._file.close()
            self._wake()

    async def more(self) -> None:
        """Wait until something was written or the log was closed."""
        await self._more.wait()

    def _put(self, data: bytes) -> None:
        if self._size >= FILE_BYTES:
            self._rotate()
        self._file.write(data)
        self._file.flush()
        self._size += len(data)
        self._wake()

    def _rotate(self) -> None:
        self._file.close()
        self.path.rename(aside(self.path, self.index))
        self.index += 1
        aside(self.path, self.index - FILES).unlink(missing_ok=True)
        self._file, self._size = self.path.open("ab"), 0

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()


def aside(path: Path, index: int) -> Path:
    """Where the file that was the ``index``-th of a log lies."""
    return path.with_name(f"{path.name}.{index}")


async def read(path: Path, log: ContainerLog | None, options: LogOptions) -> AsyncIterator[bytes]:
    """The text of a log, in chunks. With ``follow``, until ``log`` is closed; a log that is gone ends."""
    left = options.limit
    index = log.index if log else 0
    file = path.open("rb")
    try:
        if options.tail is not None:
            file.seek(_tail_offset(path, options))
        rest = b""
        while True:
            waiting = log._more if log else None
            was_open = log is not None and log.open
            newest = log.index if log else 0
            data = file.read(1 << 18)
            if data:
                lines = (rest + data).split(b"\n")
                rest = lines.pop()
                chunk = b"".join(_render(line, options) for line in lines)
                if left is not None:
                    chunk = chunk[:left]
                    left -= len(chunk)
                if chunk:
                    yield chunk
                if left == 0:
                    return
                if len(data) == 1 << 18:
                    await asyncio.sleep(0)  # others get a turn while a long log is read
            elif options.follow and index < newest:
                index = max(index + 1, newest - FILES + 1)  # the files before have gone
                file.close()
                file = (path if index == newest else aside(path, index)).open("rb")
            elif not (options.follow and was_open):
                return
            elif waiting is not None:
                await waiting.wait()
    finally:
        file.close()


def last_lines(path: Path, lines: int, size: int) -> str:
    """The end of a log without its timestamps, at most ``lines`` lines and ``size`` bytes."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4 * size))
            kept = deque(file.read().splitlines(), maxlen=lines)
    except OSError:
        return ""
    text = b"".join(_render(line, LogOptions()) for line in kept)
    return text[-size:].decode(errors="replace")


def _stamp() -> bytes:
    now = time.time_ns()
    whole = datetime.fromtimestamp(now // 1_000_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return b"%s.%09dZ" % (whole.encode(), now % 1_000_000_000)


def _render(line: bytes, options: LogOptions) -> bytes:
    parts = line.split(b" ", 3)
    if len(parts) < 4:
        return b""
    stamp, _, tag, text = parts
    if options.since is not None and clock.parse(stamp.decode()) < options.since:
        return b""
    end = b"\n" if tag == b"F" else b""
    return (stamp + b" " if options.timestamps else b"") + text + end


def _tail_offset(path: Path, options: LogOptions) -> int:
    """Where the last ``tail`` lines begin, reading the file from its end."""
    wanted, size = options.tail or 0, path.stat().st_size
    if wanted <= 0:
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
                    continue  # the end of the last line
                found += 1
                if found == wanted:
                    return start + at + 1
            position = start
    return 0
