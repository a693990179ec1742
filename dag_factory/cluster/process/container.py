"""One running container of the process engine: its output, its limits, exec, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.engine import ContainerSpec, Exit, Mount, StartError
from . import cgroups, plain, usage
from .client import Running
from .session import ProcessSession, Streams
from .xcom import PlainSession

if TYPE_CHECKING:
    from .engine import ProcessEngine

_RUNC_EXEC = "OCI runtime exec failed: exec failed: unable to start container process: {}: unknown"


class ProcessContainer:
    def __init__(self, engine: ProcessEngine, spec: ContainerSpec, env: Mapping[str, str], cwd: str) -> None:
        self.engine = engine
        self.spec = spec
        self.id = spec.id
        self.env = env
        self.cwd = cwd
        self.running: Running | None = None
        self.group = cgroups.Group()
        self._over_limit = False
        self._out_of_memory: int | None = None
        self._drained = asyncio.Event()

    async def begin(self, argv: list[str], mounts: list[Mount], output: Callable[[bytes], None]) -> None:
        engine, spec = self.engine, self.spec
        description = engine.process_spec(spec, self.env, self.cwd, argv)
        if engine.isolation != "plain":
            description["root"] = engine.root_spec(spec, mounts)
        if engine.groups.parents():
            self.group = engine.groups.make(spec.id[:32], spec.memory, spec.cpu)
            description["groups"] = self.group.procs
        # One pipe for both streams: what is written first is logged first.
        read, write = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            self._out_of_memory = self.group.out_of_memory_event() if spec.memory else None
            self.running = await engine.client.start("start", description, [null, write, write])
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
            os.close(null)
        self._listen(read, output)
        loop = asyncio.get_running_loop()
        if self._out_of_memory is not None:
            loop.add_reader(self._out_of_memory, self._limit_was_hit)
        elif spec.memory and not self.group.memory:
            engine.watch.add(spec.id, self.running.pid, spec.memory, self._kill_over_limit)

    def _listen(self, fd: int, output: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)

        def ready() -> None:
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                return
            if data:
                output(data)
            else:
                loop.remove_reader(fd)
                os.close(fd)
                self._drained.set()

        loop.add_reader(fd, ready)

    def _limit_was_hit(self) -> None:
        """The kernel ended one process; as on a cluster with control groups v2, all of the container goes."""
        if self._out_of_memory is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._out_of_memory, 8)
            if self.group.out_of_memory_kills():
                self._kill_over_limit()

    def _kill_over_limit(self) -> None:
        self._over_limit = True
        self._killing = asyncio.ensure_future(self.signal(signal.SIGKILL))

    async def wait(self) -> Exit:
        assert self.running is not None
        code = await asyncio.shield(self.running.exited)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drained.wait(), 2)
        if self._over_limit or self.group.out_of_memory_kills() > 0:
            # Version 1 of control groups ends one process; a shell around it may have ended by itself before the
            # rest was killed. A cluster of today ends them all at once.
            return Exit(137, out_of_memory=True)
        return Exit(code)

    async def signal(self, number: int) -> None:
        if self.running is not None:
            await self.engine.client.signal(self.running, number)

    async def exec(self, command: list[str], *, stdin: bool, tty: bool) -> ProcessSession | PlainSession:
        assert self.running is not None
        engine = self.engine
        plain_mode = engine.isolation == "plain"
        if plain_mode:
            known = PlainSession.recognise(command, stdin, self)
            if known:
                return known
            command = engine.paths.of(self.spec.id).rewrite(command)
        description = engine.process_spec(self.spec, self.env, self.cwd, command)
        description |= {"tty": tty, "pid": self.running.pid, "groups": self.group.procs}
        streams = Streams(stdin=stdin, tty=tty)
        try:
            running = await engine.client.start("exec", description, streams.theirs)
        except StartError as error:
            streams.close()
            raise StartError(error.reason, _RUNC_EXEC.format(error.message)) from error
        streams.handed_over()
        return ProcessSession(engine.client, running, streams, tty)

    def usage(self) -> tuple[float, int]:
        if self.running is None or self.running.exited.done():
            return 0.0, 0
        pids = [self.running.pid, *plain.descendants(self.running.pid)]
        seconds, resident = usage.of(pids)
        counted = self.group.usage()
        return seconds, counted if counted is not None else resident

    async def remove(self) -> None:
        loop = asyncio.get_running_loop()
        if self._out_of_memory is not None:
            loop.remove_reader(self._out_of_memory)
            os.close(self._out_of_memory)
            self._out_of_memory = None
        self.engine.watch.drop(self.spec.id)
        self.group.remove()
        self.engine.paths.give_back(self.spec.id)
        await loop.run_in_executor(None, _remove_tree, self.spec.scratch)


def _remove_tree(folder: Path) -> None:
    """The kernel makes an overlay's work folder unreadable, even for its owner."""
    for work in folder.glob("work/*/work"):
        with contextlib.suppress(OSError):
            work.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
