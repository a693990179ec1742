"""One running container of the process engine: its output, its limits, exec, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ..runtime import disk_usage, process_tree
from ..runtime.engine import ContainerSpec, Exit, Mount, StartError
from .host import Host
from .kill_commands import KillSession
from .launcher.requests import ExecSpec, StartSpec
from .launcher_client import Running
from .linux.cgroups import Group
from .session import ProcessSession, Streams
from .specs import Program, process_spec, root_spec

_EXEC_FAILED = "OCI runtime exec failed: exec failed: unable to start container process: {}: unknown"
_DRAIN = 2.0  # seconds to wait for output after the end of the container
_CHUNK = 65536


class ProcessContainer:
    def __init__(self, host: Host, spec: ContainerSpec, program: Program) -> None:
        self.host = host
        self.spec = spec
        self.id = spec.id
        self.program = program
        self.running: Running | None = None
        self.group = Group()
        self._over_limit = False
        self._memory_event: int | None = None
        self._drained = asyncio.Event()

    async def begin(self, mounts: Sequence[Mount], output: Callable[[bytes], None]) -> None:
        """Start the program. Raises StartError, or OSError if its surroundings cannot be made."""
        host, spec = self.host, self.spec
        if host.cgroups.parents():
            self.group = host.cgroups.make(spec.id[:32], spec.memory, spec.cpu)
        # One pipe for both streams, so that the log has the order of the writes.
        read, write = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            self._memory_event = self.group.out_of_memory_event() if spec.memory else None
            self.running = await host.launcher.start("start", self._start_spec(mounts), [null, write, write])
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
            os.close(null)
        self._read_output(read, output)
        if self._memory_event is not None:
            asyncio.get_running_loop().add_reader(self._memory_event, self._on_memory_event)
        elif spec.memory and not self.group.memory:
            host.memory_watch.add(spec.id, self.running.pid, spec.memory, self._kill_over_limit)

    async def wait(self) -> Exit:
        assert self.running is not None
        code = await asyncio.shield(self.running.exited)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drained.wait(), _DRAIN)
        if self._over_limit or self.group.out_of_memory_kills() > 0:
            # Control groups v1 kill one process, and the shell around it may exit with a code of its own before the
            # others are killed. A cluster with control groups v2 kills them all at once.
            return Exit(137, out_of_memory=True)
        return Exit(code)

    async def signal(self, number: int) -> None:
        if self.running is not None:
            await self.host.launcher.signal(self.running, number)

    async def exec(self, command: list[str], *, stdin: bool, tty: bool) -> ProcessSession | KillSession:
        assert self.running is not None
        host = self.host
        if host.isolation == "plain":
            session = KillSession.for_command(command, self.signal, stdin=stdin)
            if session:
                return session
            command = host.mount_paths.lease_of(self.spec.id).rewrite_words(command)
        program = replace(self.program, argv=command)
        process = process_spec(self.spec, program, host.isolation, self.group.procs, tty=tty)
        streams = Streams(stdin=stdin, tty=tty)
        try:
            running = await host.launcher.start("exec", ExecSpec(**process, pid=self.running.pid), streams.theirs)
        except StartError as error:
            streams.close()
            raise StartError(error.reason, _EXEC_FAILED.format(error.message)) from error
        streams.close_theirs()
        return ProcessSession(host.launcher, running, streams, tty=tty)

    def usage(self) -> tuple[float, int]:
        if self.running is None or self.running.exited.done():
            return 0.0, 0
        seconds, resident = process_tree.usage(self.running.pid)
        counted = self.group.usage()
        return seconds, counted if counted is not None else resident

    async def written_bytes(self) -> int | None:
        if self.host.isolation == "plain":
            return None
        return await asyncio.get_running_loop().run_in_executor(None, disk_usage.used_bytes, self.spec.scratch)

    async def remove(self) -> None:
        loop = asyncio.get_running_loop()
        if self._memory_event is not None:
            loop.remove_reader(self._memory_event)
            os.close(self._memory_event)
            self._memory_event = None
        self.host.memory_watch.drop(self.spec.id)
        self.group.remove()
        self.host.mount_paths.release(self.spec.id)
        await loop.run_in_executor(None, _remove_tree, self.spec.scratch)

    def _start_spec(self, mounts: Sequence[Mount]) -> StartSpec:
        host, spec = self.host, self.spec
        root = None
        if host.isolation != "plain":
            for name in ("root", "upper", "work"):
                (spec.scratch / name).mkdir(parents=True, exist_ok=True)
            root = root_spec(
                spec,
                mounts,
                cwd=self.program.cwd,
                hide=host.state,
                submounts=host.submounts,
                cgroups=self.group.shown_at(),
            )
        process = process_spec(spec, self.program, host.isolation, self.group.procs, tty=spec.tty)
        return StartSpec(**process, root=root)

    def _read_output(self, fd: int, output: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        os.set_blocking(fd, False)

        def on_readable() -> None:
            try:
                data = os.read(fd, _CHUNK)
            except BlockingIOError:
                return
            if data:
                output(data)
            else:
                loop.remove_reader(fd)
                os.close(fd)
                self._drained.set()

        loop.add_reader(fd, on_readable)

    def _on_memory_event(self) -> None:
        """The kernel killed one process. As a cluster with control groups v2 does, kill the whole container."""
        if self._memory_event is not None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._memory_event, 8)
            if self.group.out_of_memory_kills():
                self._kill_over_limit()

    def _kill_over_limit(self) -> None:
        self._over_limit = True
        self._killing = asyncio.ensure_future(self.signal(signal.SIGKILL))


def _remove_tree(folder: Path) -> None:
    """Remove a folder. The kernel makes the work folder of an overlay unreadable, even for its owner."""
    for work in folder.glob("work/*/work"):
        with contextlib.suppress(OSError):
            work.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
