"""A process that exec started in a Docker container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from .client import DockerClient, DockerError
from .hijack import HijackedStream

_POLL = 0.02  # seconds
_END_OF_INPUT = b"\x04"  # what Ctrl-D sends to a terminal


class DockerSession:
    def __init__(self, client: DockerClient, exec_id: str, stream: HijackedStream, *, tty: bool) -> None:
        self._client = client
        self._id = exec_id
        self._stream = stream
        self._tty = tty
        self._background: set[asyncio.Task[None]] = set()

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await self._stream.write(data)

    def close_stdin(self) -> None:
        if self._tty:
            self._start(self.write(_END_OF_INPUT))
        else:
            with contextlib.suppress(OSError):
                self._stream.close_write()

    def resize(self, columns: int, rows: int) -> None:
        if self._tty:
            self._start(self._resize(columns, rows))

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for chunk in self._stream.read(tty=self._tty):
            yield chunk

    async def wait(self) -> int:
        while True:
            found = await self._client.request("GET", f"/exec/{self._id}/json")
            if not found["Running"]:
                await self._stream.close()
                return int(found["ExitCode"] or 0)
            await asyncio.sleep(_POLL)  # the streams may end before the process does

    async def kill(self) -> None:
        """Kill the process on this machine, if this user may: the engine's API cannot end an exec."""
        await self._stream.close()
        with contextlib.suppress(DockerError, OSError):
            found = await self._client.request("GET", f"/exec/{self._id}/json")
            if found["Running"] and found["Pid"]:
                os.kill(found["Pid"], signal.SIGKILL)

    async def _resize(self, columns: int, rows: int) -> None:
        with contextlib.suppress(DockerError, OSError):
            await self._client.request("POST", f"/exec/{self._id}/resize", h=rows, w=columns)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in the background, with a reference that keeps it alive."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
