"""A process that exec started in a Docker container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator

from .http import Connection, DockerApi, DockerError, frames


class DockerSession:
    def __init__(self, api: DockerApi, identity: str, connection: Connection, tty: bool) -> None:
        self._api = api
        self._id = identity
        self._reader, self._writer = connection
        self._tty = tty
        self._resizing: asyncio.Task[None] | None = None

    async def write(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    def close_stdin(self) -> None:
        with contextlib.suppress(ConnectionError, OSError, RuntimeError):
            if self._tty:
                self._writer.write(b"\x04")
            else:
                self._writer.write_eof()

    def resize(self, columns: int, rows: int) -> None:
        if self._tty:
            self._resizing = asyncio.ensure_future(self._resize(columns, rows))

    async def _resize(self, columns: int, rows: int) -> None:
        with contextlib.suppress(DockerError, OSError):
            await self._api.ask("POST", f"/exec/{self._id}/resize", h=rows, w=columns)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for chunk in frames(self._reader, raw=self._tty):
            yield chunk

    async def wait(self) -> int:
        while True:
            found = await self._api.ask("GET", f"/exec/{self._id}/json")
            if not found["Running"]:
                self._writer.close()
                return int(found["ExitCode"] or 0)
            await asyncio.sleep(0.02)  # its streams may end before it does

    async def kill(self) -> None:
        """Its process of this machine, where this user may; an engine has no other way to end one."""
        self._writer.close()
        with contextlib.suppress(DockerError, OSError):
            found = await self._api.ask("GET", f"/exec/{self._id}/json")
            if found["Running"] and found["Pid"]:
                os.kill(found["Pid"], signal.SIGKILL)
