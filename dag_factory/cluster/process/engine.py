"""The engine that runs containers as processes of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..engine import ContainerSpec, Exit, Mount, PulledImage, StartError
from . import cgroups, isolation, plain, usage
from .client import LauncherClient, Running
from .images import Images, LocalImage, environment
from .paths import MountPaths
from .session import ProcessSession, Streams
from .xcom import PlainSession

log = logging.getLogger(__name__)

_RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: {}: unknown"
)
_RUNC_EXEC = "OCI runtime exec failed: exec failed: unable to start container process: {}: unknown"


class ProcessEngine:
    """``state`` is the server's folder. ``isolation``: ``best``, or the one kind to take."""

    def __init__(
        self,
        state: Path,
        images: Mapping[str, Path],
        venvs: Path,
        *,
        isolation: str,
        use_cgroups: bool,
        lost: Callable[[], None],
    ) -> None:
        self.state = state
        self.images = Images(images, venvs, state / "bin")
        self.client = LauncherClient(lost)
        self.isolation = "plain" if isolation == "plain" else ""
        self.why_plain = "asked for" if isolation == "plain" else ""
        self._wanted = isolation
        self.groups = cgroups.Groups(why_not="switched off")
        self.paths = MountPaths()
        self._use_cgroups = use_cgroups
        self._submounts: list[str] = []
        self.watch = usage.MemoryWatch()

    async def begin(self) -> None:
        self._clean_up()
        self.images.begin()
        if self._use_cgroups:  # before there is a launcher: version 2 may have to move this process, and it alone
            self.groups = cgroups.find(f"dagf-{os.getpid()}")
            (self.state / "cgroups.json").write_text(json.dumps(self.groups.parents()))
        await self.client.begin()
        await self.client.own_groups(self.groups.parents())
        self._submounts = isolation.submounts(self.state)
        if not self.isolation:
            self.isolation, self.why_plain = await self._probe()
        for line in (f"{key}: {value}" for key, value in self.describe().items()):
            log.info("%s", line)

    async def end(self) -> None:
        await self.client.end()
        cgroups.remove(self.groups.parents())
        self.paths.clear()

    def describe(self) -> dict[str, str]:
        by = f"control groups v{self.groups.version}"
        watched = f"by watching the processes, since {self.groups.why_not}"
        return {
            "engine": "process (a stand-in for development: pods are processes of this machine)",
            "isolation": isolation.describe(self.isolation, self.why_plain),
            "memory limits": by if self.groups.memory else watched,
            "cpu limits": by if self.groups.cpu else "not enforced",
        }

    def present(self, image: str) -> PulledImage | None:
        found = self.images.get(image)
        return found.pulled if found else None

    async def pull(self, image: str) -> PulledImage:
        return (await self.images.pull(image)).pulled

    async def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> ProcessContainer:
        image = self.images.get(spec.image) or await self.images.pull(spec.image)
        command = spec.command or image.entrypoint
        argv = [*command, *(spec.args or (() if spec.command else image.cmd))]
        if not argv:
            raise StartError("CreateContainerError", "no command specified")
        mounts = self._mounts(spec, image)
        env = environment(image, spec.env)
        cwd = spec.working_dir or image.workdir
        if self.isolation == "plain":
            taken = await self.paths.take(spec.id, mounts)
            argv, env, cwd = taken.rewrite(argv), taken.rewrite_env(env), taken.folder(cwd)
        container = ProcessContainer(self, spec, env, cwd)
        beginning = asyncio.ensure_future(container.begin(argv, mounts, output))
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            # Nobody would know of the process: see it started, then end it.
            with contextlib.suppress(OSError, StartError):
                await beginning
                await container.signal(signal.SIGKILL)
                await container.wait()
            await container.remove()
            raise
        except (OSError, StartError) as error:
            await container.remove()
            if isinstance(error, StartError):
                if error.reason == "StartError":
                    raise StartError("StartError", _RUNC.format(error.message)) from error
                raise
            raise StartError("CreateContainerError", str(error)) from error
        return container

    def process_spec(self, spec: ContainerSpec, env: Mapping[str, str], cwd: str, argv: list[str]) -> dict[str, Any]:
        return {
            "isolation": self.isolation,
            "argv": argv,
            "env": dict(env),
            "cwd": cwd,
            "hostname": spec.pod[:63],
            "user": spec.user,
            "group": spec.group,
            "supplementary_groups": list(spec.supplementary_groups),
            "tty": spec.tty,
            "groups": [],
        }

    def root_spec(self, spec: ContainerSpec, mounts: list[Mount]) -> dict[str, Any]:
        """What ``rootfs.build`` reads: scratch space, the machine's mounts to show, folders to hide, mounts to make."""
        for name in ("root", "upper", "work"):
            (spec.scratch / name).mkdir(parents=True, exist_ok=True)
        return {
            "scratch": str(spec.scratch),
            "submounts": self._submounts,
            "hide": [str(self.state)],
            "mounts": [
                {"source": str(m.source), "target": m.target, "read_only": m.read_only, "kind": m.kind, "size": m.size}
                for m in mounts
            ],
        }

    def _mounts(self, spec: ContainerSpec, image: LocalImage) -> list[Mount]:
        """Outer targets first, so that an inner one lies in it. A pod's own mount wins over the image's."""
        own = {m.target.rstrip("/") for m in spec.mounts}
        tools = [
            Mount(path.parent, str(path.parent), read_only=True) for path in image.path_first if path.name == "bin"
        ]
        tools = [
            m if m.source != self.state else Mount(self.state / "bin", str(self.state / "bin"), True) for m in tools
        ]
        from_image = [m for m in image.mounts if m.target.rstrip("/") not in own]
        if self.isolation == "plain":
            tools = []
        return sorted([*tools, *from_image, *spec.mounts], key=lambda m: m.target.rstrip("/").count("/"))

    async def _probe(self) -> tuple[str, str]:
        """Try the whole way with ``true``: the kernel, a container's seccomp or a masked /proc may refuse any step.

        Returns the kind and, for ``plain``, why. Raises OSError if the one kind asked for is refused.
        """
        refused = ""
        wanted = isolation.candidates() if self._wanted == "best" else [self._wanted]
        for kind in wanted:
            self.isolation = kind
            scratch = self.state / "probe"
            spec = ContainerSpec(
                "probe", "probe", "probe", "probe", "alpine", ("true",), (), {}, "/", (), scratch=scratch
            )
            try:
                container = await self.start(spec, lambda _: None)
                code = (await container.wait()).code
                await container.remove()
                if code == 0:
                    return kind, ""
                refused = f"a test process ended with {code}"
            except StartError as error:
                refused = error.message
        if self._wanted != "best":
            raise OSError(1, f"isolation {self._wanted} is refused: {refused}")
        return "plain", refused or "this machine's system calls are not known here"

    def _clean_up(self) -> None:
        """What a killed server left. Its mounts went with their namespaces."""
        with contextlib.suppress(OSError, ValueError):
            cgroups.remove(json.loads((self.state / "cgroups.json").read_text()))
        self.paths.clean_up(self.state / "mount-paths.json")
        shutil.rmtree(self.state / "probe", ignore_errors=True)


class ProcessContainer:
    def __init__(self, engine: ProcessEngine, spec: ContainerSpec, env: Mapping[str, str], cwd: str) -> None:
        self.engine = engine
        self.spec = spec
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
