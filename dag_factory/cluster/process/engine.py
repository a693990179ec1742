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

from ..config import ImageSource
from ..runtime.engine import ContainerSpec, Mount, PulledImage, StartError
from . import cgroups, isolation, usage
from .client import LauncherClient
from .container import ProcessContainer
from .images import Images, LocalImage, environment
from .paths import MountPaths

log = logging.getLogger(__name__)

_RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: {}: unknown"
)


class ProcessEngine:
    """``state`` is the server's folder. ``isolation``: ``best``, or the one kind to take."""

    name = "process"

    def __init__(
        self,
        state: Path,
        images: Mapping[str, Path],
        venvs: Path,
        *,
        isolation: str,
        use_cgroups: bool,
        lost: Callable[[], None],
        source: ImageSource | None = None,
    ) -> None:
        self.state = state
        self.images = Images(images, venvs, state / "bin", source)
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

    async def present(self, image: str) -> PulledImage | None:
        await self.images.table.refresh()
        found = self.images.get(image)
        return found.pulled if found else None

    async def pull(self, image: str) -> PulledImage:
        await self.images.table.refresh()
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
            images = [self.images.get(name) for name in spec.pod_images]
            together = [*spec.pod_mounts, *(m for found in images if found for m in found.mounts)]
            taken = await self.paths.take(spec.id, mounts, spec.pod_uid, together)
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

    def forget(self, pod_uid: str) -> None:
        self.paths.forget(pod_uid)

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
