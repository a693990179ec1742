"""A process that exec started, with its pipes or its terminal read and written from the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import AsyncIterator

from .launcher_client import LauncherClient, Running

_CHUNK = 32768
_END_OF_INPUT = b"\x04"  # what Ctrl-D sends to a terminal


class Streams:
    """The standard streams of a process to start.

    ``theirs`` are its three descriptors, ``input`` and ``outputs`` (by channel) are the other ends. ``tty``: one
    terminal for all three.
    """

    def __init__(self, *, stdin: bool, tty: bool) -> None:
        self.input = -1
        self.outputs: dict[int, int] = {}
        self.theirs: list[int] = []
        if tty:
            ours, theirs = os.openpty()
            self.input, self.outputs = os.dup(ours) if stdin else -1, {1: ours}
            self.theirs = [theirs, os.dup(theirs), os.dup(theirs)]
        else:
            if stdin:
                read, self.input = os.pipe()
            else:
                read = os.open(os.devnull, os.O_RDONLY)
            out, err = os.pipe(), os.pipe()
            self.outputs = {1: out[0], 2: err[0]}
            self.theirs = [read, out[1], err[1]]
        for fd in (*self.outputs.values(), *([self.input] if self.input >= 0 else [])):
            os.set_blocking(fd, False)

    def close_theirs(self) -> None:
        for fd in self.theirs:
            os.close(fd)
        self.theirs = []

    def close(self) -> None:
        self.close_theirs()
        for fd in (*self.outputs.values(), *([self.input] if self.input >= 0 else [])):
            os.close(fd)
        self.outputs, self.input = {}, -1


class ProcessSession:
    def __init__(self, client: LauncherClient, running: Running, streams: Streams, *, tty: bool) -> None:
        self._client = client
        self._running = running
        self._streams = streams
        self._tty = tty

    async def write(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        while data and self._streams.input >= 0:
            try:
                data = data[os.write(self._streams.input, data) :]
            except BlockingIOError:
                writable = asyncio.Event()
                fd = self._streams.input
                loop.add_writer(fd, writable.set)
                try:
                    await writable.wait()
                finally:
                    loop.remove_writer(fd)
            except OSError:
                return  # the process has closed its standard input

    def close_stdin(self) -> None:
        if self._streams.input >= 0:
            if self._tty:
                with contextlib.suppress(OSError):
                    os.write(self._streams.input, _END_OF_INPUT)
            os.close(self._streams.input)
            self._streams.input = -1

    def resize(self, columns: int, rows: int) -> None:
        if self._tty and 1 in self._streams.outputs:
            fcntl.ioctl(self._streams.outputs[1], termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()

        def on_readable(channel: int, fd: int) -> None:
            try:
                data = os.read(fd, _CHUNK)
            except BlockingIOError:
                return
            except OSError:  # the other side of the terminal is closed
                data = b""
            if not data:
                loop.remove_reader(fd)
            queue.put_nowait((channel, data))

        for channel, fd in self._streams.outputs.items():
            loop.add_reader(fd, on_readable, channel, fd)
        left = len(self._streams.outputs)
        try:
            while left:
                channel, data = await queue.get()
                if data:
                    yield channel, data
                else:
                    left -= 1
        finally:
            for fd in self._streams.outputs.values():
                loop.remove_reader(fd)

    async def wait(self) -> int:
        code = await asyncio.shield(self._running.exited)
        self._streams.close()
        return code

    async def kill(self) -> None:
        if not self._running.exited.done():
            await self._client.signal(self._running, signal.SIGKILL)
