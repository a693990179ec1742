"""One running container of the Docker engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable
from typing import Any

from ..process import plain, usage
from ..runtime.engine import Exit, StartError
from .http import DockerApi, DockerError, frames
from .session import DockerSession

_DRAIN = 2.0  # seconds that output may come after the end


class DockerContainer:
    """``identity`` is the engine's name for it."""

    def __init__(self, api: DockerApi, identity: str) -> None:
        self.api = api
        self.id = identity
        self.pid = 0
        self.over_limit = False
        self._log: asyncio.Task[None] | None = None
        self._exit: asyncio.Task[Exit] | None = None

    async def begin(self, output: Callable[[bytes], None]) -> None:
        """Start it, with its output listened to. Raises DockerError."""
        reader, writer = await self.api.take_over(f"/containers/{self.id}/attach", stream=1, stdout=1, stderr=1)

        async def listen() -> None:
            async for _, data in frames(reader, raw=False):
                output(data)
            writer.close()

        self._log = asyncio.ensure_future(listen())
        try:
            await self.api.ask("POST", f"/containers/{self.id}/start")
        except BaseException:
            self._log.cancel()
            raise
        self._exit = asyncio.ensure_future(self._until_ended())
        state = (await self.api.ask("GET", f"/containers/{self.id}/json"))["State"]
        self.pid = state["Pid"]

    async def _until_ended(self) -> Exit:
        code = (await self.api.ask("POST", f"/containers/{self.id}/wait"))["StatusCode"]
        state = (await self.api.ask("GET", f"/containers/{self.id}/json"))["State"]
        self.pid = 0
        if self._log:
            await asyncio.wait({self._log}, timeout=_DRAIN)
        if state["OOMKilled"] or self.over_limit:
            # The kernel may have ended one process only, and a shell around it may have ended by itself since.
            return Exit(137, out_of_memory=True)
        return Exit(int(code))

    async def wait(self) -> Exit:
        assert self._exit is not None
        return await asyncio.shield(self._exit)

    async def signal(self, number: int) -> None:
        with contextlib.suppress(DockerError):  # it has ended
            await self.api.ask("POST", f"/containers/{self.id}/kill", signal=number)

    async def out_of_memory(self) -> None:
        """One of its processes was ended for its memory: as on a cluster of today, all of them are."""
        self.over_limit = True
        await self.signal(signal.SIGKILL)

    async def exec(self, command: list[str], *, stdin: bool, tty: bool) -> DockerSession:
        body: dict[str, Any] = {"AttachStdin": stdin, "AttachStdout": True, "AttachStderr": True, "Tty": tty}
        try:
            made = await self.api.ask("POST", f"/containers/{self.id}/exec", {**body, "Cmd": command})
            connection = await self.api.take_over(f"/exec/{made['Id']}/start", {"Detach": False, "Tty": tty})
            # The engine hands the streams over before it has tried, and before it says that it is trying.
            while not _has_begun(started := await self.api.ask("GET", f"/exec/{made['Id']}/json")):
                await asyncio.sleep(0.005)
        except DockerError as error:
            raise StartError("StartError", error.message) from error
        if not started["Pid"]:
            said = b"".join([data async for _, data in frames(connection[0], raw=True)])
            connection[1].close()
            raise StartError("StartError", _words(said, command))
        return DockerSession(self.api, made["Id"], connection, tty)

    def usage(self) -> tuple[float, int]:
        return usage.of([self.pid, *plain.descendants(self.pid)]) if self.pid else (0.0, 0)

    async def remove(self) -> None:
        with contextlib.suppress(DockerError):
            await self.api.ask("DELETE", f"/containers/{self.id}", force=1, v=1)


def _has_begun(inspected: dict[str, Any]) -> bool:
    """Whether an exec has a process, or has failed to get one; until then it has neither that nor an exit code."""
    return bool(inspected["Pid"]) or (not inspected["Running"] and inspected["ExitCode"] is not None)


def _words(said: bytes, command: list[str]) -> str:
    text = said.decode(errors="replace")
    at = text.find("OCI runtime exec failed")
    if at >= 0:
        return text[at:].strip()
    quoted = json.dumps(command[0])
    return f"OCI runtime exec failed: exec failed: unable to start container process: exec: {quoted}: unknown"
