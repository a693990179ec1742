"""The server's side of the launcher: start it, send it requests, receive its answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..runtime.engine import StartError
from .launcher.requests import ExecSpec, StartSpec

_KILLED = 137
_POLL = 0.005  # seconds


@dataclass
class Running:
    """A started process. ``pid`` is its id on this machine, and ``exited`` gets its exit code."""

    id: int
    pid: int
    exited: asyncio.Future[int]


class LauncherClient:
    """One launcher. ``lost`` is called if it ends unexpectedly."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._started: dict[int, asyncio.Future[int]] = {}
        self._exited: dict[int, asyncio.Future[int]] = {}
        self._next = 0
        self._ending = False

    async def begin(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dag_factory.cluster.process.launcher", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # so that Ctrl-C in the server's terminal lets it clean up
        )
        theirs.close()
        ours.setblocking(False)
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours.fileno(), self._receive)

    async def end(self) -> None:
        """Close the connection. The launcher then kills the processes that still run, and ends."""
        self._ending = True
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        await asyncio.get_running_loop().run_in_executor(None, self._process.wait)

    async def start(self, operation: Literal["start", "exec"], spec: StartSpec | ExecSpec, stdio: list[int]) -> Running:
        """Start a process with the three ``stdio`` descriptors. Raises StartError."""
        self._next += 1
        number = self._next
        loop = asyncio.get_running_loop()
        started, exited = loop.create_future(), loop.create_future()
        self._started[number], self._exited[number] = started, exited
        memory = os.memfd_create("spec", os.MFD_CLOEXEC)
        try:
            with open(memory, "wb", closefd=False) as file:
                file.write(json.dumps(spec).encode(errors="surrogateescape"))
            await self._send({"op": operation, "id": number}, [memory, *stdio])
            pid = await started
        finally:
            os.close(memory)
            self._started.pop(number, None)
        return Running(number, pid, exited)

    async def signal(self, running: Running, number: int) -> None:
        await self._send({"op": "signal", "id": 0, "target": running.id, "signal": number}, [])

    async def own_cgroups(self, paths: list[str]) -> None:
        """Have the launcher remove these control groups, and those below them, when the server ends."""
        await self._send({"op": "own-cgroups", "id": 0, "paths": paths}, [])

    async def _send(self, message: dict[str, Any], fds: list[int]) -> None:
        packet = json.dumps(message).encode()
        while True:
            try:
                socket.send_fds(self._socket, [packet], fds)
                return
            except BlockingIOError:
                await asyncio.sleep(_POLL)
            except OSError as error:
                raise StartError("CreateContainerError", f"the launcher has ended: {error}") from error

    def _receive(self) -> None:
        while True:
            try:
                packet = self._socket.recv(65536)
            except BlockingIOError:
                return None
            except OSError:
                packet = b""
            if not packet:
                return self._on_launcher_end()
            message = json.loads(packet)
            number = message["id"]
            if message["event"] == "exited":
                future = self._exited.pop(number, None)
                if future and not future.done():
                    future.set_result(message["code"])
                continue
            started = self._started.get(number)
            if started is None or started.done():
                continue
            if message["event"] == "started":
                started.set_result(message["pid"])
            else:
                self._exited.pop(number, None)
                reason = "StartError" if message["phase"] == "exec" else "CreateContainerError"
                started.set_exception(StartError(reason, message["error"]))

    def _on_launcher_end(self) -> None:
        with contextlib.suppress(ValueError):
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
        for future in self._exited.values():
            if not future.done():
                future.set_result(_KILLED)
        for future in self._started.values():
            if not future.done():
                future.set_exception(StartError("CreateContainerError", "the launcher was killed"))
        self._exited.clear()
        if not self._ending:
            self._lost()
