"""One running container of the Docker engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable
from typing import Any

from ..runtime import process_tree
from ..runtime.engine import Exit, StartError
from .client import DockerClient, DockerError
from .hijack import HijackedStream
from .session import DockerSession

_DRAIN = 2.0  # seconds to wait for output after the end of the container
_POLL = 0.005  # seconds
_EXEC_FAILED = "OCI runtime exec failed"


class DockerContainer:
    """``container_id`` is the engine's id of it."""

    def __init__(self, client: DockerClient, container_id: str) -> None:
        self.client = client
        self.id = container_id
        self.pid = 0
        self.over_limit = False
        self._log: asyncio.Task[None] | None = None
        self._exit: asyncio.Task[Exit] | None = None

    async def begin(self, output: Callable[[bytes], None]) -> None:
        """Start it, with its output sent to ``output``. Raises DockerError."""
        stream = await self.client.hijack(f"/containers/{self.id}/attach", stream=1, stdout=1, stderr=1)
        self._log = asyncio.ensure_future(_copy(stream, output))
        try:
            await self.client.request("POST", f"/containers/{self.id}/start")
        except BaseException:
            self._log.cancel()
            raise
        self._exit = asyncio.ensure_future(self._wait_for_exit())
        self.pid = (await self._state())["Pid"]

    async def wait(self) -> Exit:
        assert self._exit is not None
        return await asyncio.shield(self._exit)

    async def signal(self, number: int) -> None:
        with contextlib.suppress(DockerError):  # it has ended
            await self.client.request("POST", f"/containers/{self.id}/kill", signal=number)

    async def out_of_memory(self) -> None:
        """Kill all processes after the kernel killed one for its memory, as a cluster with control groups v2 does."""
        self.over_limit = True
        await self.signal(signal.SIGKILL)

    async def exec(self, command: list[str], *, stdin: bool, tty: bool) -> DockerSession:
        body: dict[str, Any] = {"AttachStdin": stdin, "AttachStdout": True, "AttachStderr": True, "Tty": tty}
        try:
            created = await self.client.request("POST", f"/containers/{self.id}/exec", {**body, "Cmd": command})
            exec_id = created["Id"]
            stream = await self.client.hijack(f"/exec/{exec_id}/start", {"Detach": False, "Tty": tty})
            # The engine hands the streams over before it starts the process.
            while not _has_started(state := await self.client.request("GET", f"/exec/{exec_id}/json")):
                await asyncio.sleep(_POLL)
        except DockerError as error:
            raise StartError("StartError", error.message) from error
        if not state["Pid"]:
            output = b"".join([data async for _, data in stream.read(tty=True)])
            await stream.close()
            raise StartError("StartError", _exec_error(output, command))
        return DockerSession(self.client, exec_id, stream, tty=tty)

    def usage(self) -> tuple[float, int]:
        return process_tree.usage(self.pid) if self.pid else (0.0, 0)

    async def written_bytes(self) -> int | None:
        with contextlib.suppress(DockerError):
            found = await self.client.request("GET", f"/containers/{self.id}/json", size=1)
            return int(found.get("SizeRw") or 0)
        return None

    async def remove(self) -> None:
        with contextlib.suppress(DockerError):
            await self.client.request("DELETE", f"/containers/{self.id}", force=1, v=1)

    async def _state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.client.request("GET", f"/containers/{self.id}/json")
        return dict(found["State"])

    async def _wait_for_exit(self) -> Exit:
        code = (await self.client.request("POST", f"/containers/{self.id}/wait"))["StatusCode"]
        state = await self._state()
        self.pid = 0
        if self._log:
            await asyncio.wait({self._log}, timeout=_DRAIN)
        if state["OOMKilled"] or self.over_limit:
            # The kernel may have killed one process only, and the shell around it may have exited with its own code.
            return Exit(137, out_of_memory=True)
        return Exit(int(code))


async def _copy(stream: HijackedStream, output: Callable[[bytes], None]) -> None:
    try:
        async for _, data in stream.read(tty=False):
            output(data)
    finally:
        await stream.close()


def _has_started(state: dict[str, Any]) -> bool:
    """Whether an exec has a process or has failed to get one. Before that it has neither a process nor an exit code."""
    return bool(state["Pid"]) or (not state["Running"] and state["ExitCode"] is not None)


def _exec_error(output: bytes, command: list[str]) -> str:
    """The engine's reason in the output of an exec that did not start."""
    text = output.decode(errors="replace")
    start = text.find(_EXEC_FAILED)
    if start >= 0:
        return text[start:].strip()
    program = json.dumps(command[0])
    return f"{_EXEC_FAILED}: exec failed: unable to start container process: exec: {program}: unknown"
