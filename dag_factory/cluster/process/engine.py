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
from dataclasses import replace
from pathlib import Path

from ..config import ImageSource
from ..runtime.engine import ContainerSpec, PulledImage, StartError
from . import isolation as isolations
from .container import ProcessContainer
from .host import Host
from .images.local_images import Images, environment
from .launcher_client import LauncherClient
from .linux import cgroups
from .mounts import merge_mounts
from .specs import Program

log = logging.getLogger(__name__)

_CREATE_FAILED = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: {}: unknown"
)


class ProcessEngine:
    """``state`` is the server's folder. ``isolation`` is one kind, or ``best`` for the best that this machine allows.

    ``lost`` is called if the launcher ends while the engine runs.
    """

    name = "process"

    @property
    def isolation(self) -> str:
        return self._host.isolation

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
        self._wanted_isolation = isolation
        self._use_cgroups = use_cgroups
        self._why_plain = "as configured"
        no_cgroups = cgroups.Groups(unavailable="control groups are switched off")
        self._host = Host(LauncherClient(lost), state, "plain", no_cgroups)

    async def begin(self) -> None:
        self._clean_up()
        self.images.begin()
        if self._use_cgroups:  # before the launcher starts: version 2 may have to move this process, and only this one
            groups = cgroups.find(f"dagf-{os.getpid()}")
            (self.state / "cgroups.json").write_text(json.dumps(groups.parents()))
            self._host = replace(self._host, cgroups=groups)
        await self._host.launcher.begin()
        await self._host.launcher.own_cgroups(self._host.cgroups.parents())
        self._host = replace(self._host, submounts=tuple(isolations.submounts(self.state)))
        if self._wanted_isolation != "plain":
            kind, self._why_plain = await self._choose_isolation()
            self._host = replace(self._host, isolation=kind)
        for name, value in self.describe().items():
            log.info("%s: %s", name, value)

    async def end(self) -> None:
        await self._host.launcher.end()
        cgroups.remove(self._host.cgroups.parents())
        self._host.mount_paths.clear()

    def describe(self) -> dict[str, str]:
        groups = self._host.cgroups
        by_cgroups = f"by control groups v{groups.version}"
        return {
            "engine": "process (for development: pods are processes of this machine)",
            "isolation": isolations.describe(self._host.isolation, self._why_plain),
            "memory limits": by_cgroups if groups.memory else f"by measuring the processes ({groups.unavailable})",
            "cpu limits": by_cgroups if groups.cpu else "not enforced",
        }

    async def present(self, image: str) -> PulledImage | None:
        await self.images.table.refresh()
        found = self.images.get(image)
        return found.pulled if found else None

    async def pull(self, image: str) -> PulledImage:
        await self.images.table.refresh()
        return (await self.images.pull(image)).pulled

    async def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> ProcessContainer:
        return await self._start(self._host, spec, output)

    def forget(self, pod_uid: str) -> None:
        self._host.mount_paths.forget(pod_uid)

    async def _start(self, host: Host, spec: ContainerSpec, output: Callable[[bytes], None]) -> ProcessContainer:
        image = self.images.get(spec.image) or await self.images.pull(spec.image)
        command = spec.command or image.entrypoint
        argv = [*command, *(spec.args or (() if spec.command else image.cmd))]
        if not argv:
            raise StartError("CreateContainerError", "no command specified")
        program = Program(argv, environment(image, spec.env), spec.working_dir or image.workdir)
        mounts = merge_mounts(spec, image, self.state, has_namespaces=host.isolation != "plain")
        if host.isolation == "plain":
            images = [self.images.get(name) for name in spec.pod_images]
            pod_mounts = [*spec.pod_mounts, *(m for found in images if found for m in found.mounts)]
            lease = await host.mount_paths.acquire(spec.id, mounts, spec.pod_uid, pod_mounts)
            program = lease.rewrite(program)
        container = ProcessContainer(host, spec, program)
        beginning = asyncio.ensure_future(container.begin(mounts, output))
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            # The caller will not end the process: wait until it has started, then kill it.
            with contextlib.suppress(OSError, StartError):
                await beginning
                await container.signal(signal.SIGKILL)
                await container.wait()
            await container.remove()
            raise
        except StartError as error:
            await container.remove()
            if error.reason == "StartError":
                raise StartError("StartError", _CREATE_FAILED.format(error.message)) from error
            raise
        except OSError as error:
            await container.remove()
            raise StartError("CreateContainerError", str(error)) from error
        return container

    async def _choose_isolation(self) -> tuple[str, str]:
        """Run ``true`` in a container: the kernel, a seccomp profile or a masked /proc may reject any of the steps.

        Returns the kind of isolation and, for ``plain``, the reason. Raises OSError if the one wanted kind is rejected.
        """
        wanted, reason = self._wanted_isolation, ""
        for kind in isolations.candidates() if wanted == "best" else [wanted]:
            reason = await self._try_isolation(kind)
            if not reason:
                return kind, ""
        if wanted != "best":
            raise OSError(1, f"this machine does not allow the isolation {wanted}: {reason}")
        return "plain", reason or "the system call numbers of this machine are unknown"

    async def _try_isolation(self, kind: str) -> str:
        """The reason why a kind of isolation does not work, empty if it does."""
        scratch = self.state / "probe"
        spec = ContainerSpec("probe", "probe", "probe", "probe", "alpine", ("true",), (), {}, "/", (), scratch=scratch)
        try:
            container = await self._start(replace(self._host, isolation=kind), spec, lambda _: None)
            code = (await container.wait()).code
            await container.remove()
        except StartError as error:
            return error.message
        return f"a test process exited with code {code}" if code else ""

    def _clean_up(self) -> None:
        """Remove what a killed server left. Its mounts went with their namespaces."""
        with contextlib.suppress(OSError, ValueError):
            cgroups.remove(json.loads((self.state / "cgroups.json").read_text()))
        self._host.mount_paths.clean_up(self.state / "mount-paths.json")
        shutil.rmtree(self.state / "probe", ignore_errors=True)
