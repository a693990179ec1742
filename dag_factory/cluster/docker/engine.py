"""The engine that runs containers in Docker: with real images, limits and mounts, on the network of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..config import ImageSource
from ..runtime.engine import ContainerSpec, Mount, PulledImage, StartError
from .client import DockerClient, DockerError
from .container import DockerContainer
from .guard import remove_all
from .images import Images

log = logging.getLogger(__name__)

_CREATE_FAILED = "failed to create containerd task: failed to create shim task: {}: unknown"


def socket_path() -> Path:
    """The engine's socket: the one of ``DOCKER_HOST``, or the default. Raises OSError for an engine elsewhere."""
    host = os.environ.get("DOCKER_HOST", "") or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        why = f"DOCKER_HOST must be a unix:// address of this machine, because pods mount its folders: {host}"
        raise OSError(95, why)
    return Path(host.removeprefix("unix://"))


class DockerEngine:
    """``state`` is the server's folder. Containers that an earlier server of the same folder left are removed."""

    name = "docker"
    isolation = "docker"

    def __init__(self, state: Path, images: Mapping[str, Path], source: ImageSource | None = None) -> None:
        self.state = state
        self.socket = socket_path()
        self.client = DockerClient(self.socket)
        self.images = Images(self.client, images, source)
        self.label = f"dagf.cluster={hashlib.sha256(str(state).encode()).hexdigest()[:16]}"
        self._containers: dict[str, DockerContainer] = {}
        self._version: dict[str, Any] = {}
        self._events: asyncio.Task[None] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    async def begin(self) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
        try:
            self._version = await self.client.request("GET", "/version")
        except (OSError, DockerError) as error:
            raise OSError(111, f"no Docker engine answers at {self.socket} ({error})") from error
        await asyncio.get_running_loop().run_in_executor(None, remove_all, str(self.socket), self.label)
        self._guard = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.guard", str(self.socket), self.label],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._events = asyncio.ensure_future(self._watch_memory_events())
        for line in (f"{key}: {value}" for key, value in self.describe().items()):
            log.info("%s", line)

    async def end(self) -> None:
        if self._events:
            self._events.cancel()
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            await asyncio.get_running_loop().run_in_executor(None, self._guard.wait)

    def describe(self) -> dict[str, str]:
        return {
            "engine": f"docker {self._version.get('Version', '')} at {self.socket}",
            "isolation": "containers; pods use the network of this machine",
            "memory limits": "by Docker",
            "cpu limits": "by Docker",
        }

    async def present(self, image: str) -> PulledImage | None:
        await self.images.table.refresh()
        return await self.images.present(image)

    async def pull(self, image: str) -> PulledImage:
        await self.images.table.refresh()
        return await self.images.pull(image)

    async def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> DockerContainer:
        creating = asyncio.ensure_future(self._create(spec, output))
        try:
            return await asyncio.shield(creating)
        except asyncio.CancelledError:
            # The caller will not remove the container: wait until it exists, then remove it.
            with contextlib.suppress(OSError, StartError):
                await (await creating).remove()
            raise

    def forget(self, pod_uid: str) -> None:
        pass

    async def _create(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> DockerContainer:
        try:
            name = f"dagf-{spec.pod[:40]}-{spec.name[:20]}-{spec.id[:12]}"
            created = await self.client.request("POST", "/containers/create", self._body(spec), name=name)
        except (DockerError, OSError) as error:
            raise StartError("CreateContainerError", str(error)) from error
        container = DockerContainer(self.client, created["Id"])
        self._containers[container.id] = container
        try:
            await container.begin(output)
        except (DockerError, OSError) as error:
            await container.remove()
            text = str(error)
            if "exec: " in text or "executable file not found" in text:
                text = text[max(0, text.find("OCI runtime create failed")) :].removesuffix(": unknown")
                raise StartError("StartError", _CREATE_FAILED.format(text)) from error
            raise StartError("CreateContainerError", text) from error
        exited = asyncio.ensure_future(container.wait())
        exited.add_done_callback(lambda _: self._containers.pop(container.id, None))
        return container

    def _body(self, spec: ContainerSpec) -> dict[str, Any]:
        host: dict[str, Any] = {
            "NetworkMode": "host",
            "Mounts": [entry for mount in self._mounts(spec) for entry in _mount(mount, self.state)],
            "Tmpfs": {mount.target: _tmpfs_options(mount) for mount in spec.mounts if _has_group(mount)},
            "GroupAdd": [str(group) for group in spec.supplementary_groups],
            "LogConfig": {"Type": "none"},
            "ReadonlyRootfs": spec.read_only_root,
            "Privileged": spec.privileged,
            "CapAdd": list(spec.capabilities_added),
            "CapDrop": list(spec.capabilities_dropped),
            "SecurityOpt": ["no-new-privileges"] if spec.no_new_privileges else [],
        }
        if spec.memory:
            host |= {"Memory": spec.memory, "MemorySwap": spec.memory}
        if spec.cpu:
            host["NanoCpus"] = int(spec.cpu * 1e9)
        body: dict[str, Any] = {
            "Image": spec.image,
            "Env": [f"{name}={value}" for name, value in spec.env.items()],
            "Hostname": (spec.hostname or spec.pod)[:63],
            "AttachStdout": True,
            "AttachStderr": True,
            "OpenStdin": spec.stdin,
            "Tty": False,
            "Labels": dict([self.label.split("=")], **{"dagf.pod": spec.pod, "dagf.container": spec.name}),
            "HostConfig": host,
        }
        if spec.command:
            body |= {"Entrypoint": list(spec.command), "Cmd": list(spec.args)}
        elif spec.args:
            body["Cmd"] = list(spec.args)
        if spec.working_dir:
            body["WorkingDir"] = spec.working_dir
        if spec.user is not None or spec.group is not None:
            body["User"] = f"{spec.user or 0}" + (f":{spec.group}" if spec.group is not None else "")
        return body

    def _mounts(self, spec: ContainerSpec) -> list[Mount]:
        targets = {mount.target.rstrip("/") for mount in spec.mounts}
        return [*(mount for mount in spec.etc_mounts if mount.target not in targets), *spec.mounts]

    async def _watch_memory_events(self) -> None:
        """Learn of processes that the kernel killed for their memory."""
        filters = json.dumps({"event": ["oom"], "label": [self.label]})
        with contextlib.suppress(OSError, DockerError):
            async for event in self.client.stream_lines("GET", "/events", filters=filters):
                container = self._containers.get(event.get("id", ""))
                if container:
                    await container.out_of_memory()


def _mount(mount: Mount, state: Path) -> list[dict[str, Any]]:
    """A mount for the engine. A folder of this machine with the server's folder in it hides that folder."""
    target = {"Target": mount.target}
    if _has_group(mount):
        return []
    if mount.kind == "tmpfs":
        options = {"Mode": 0o1777} | ({"SizeBytes": mount.size} if mount.size else {})
        return [{**target, "Type": "tmpfs", "TmpfsOptions": options}]
    bind = {**target, "Type": "bind", "Source": str(mount.source), "ReadOnly": mount.read_only}
    source, hidden = mount.source.resolve(), state.resolve()
    if source not in hidden.parents:
        return [bind]
    return [bind, {"Type": "tmpfs", "Target": str(Path(mount.target) / hidden.relative_to(source))}]


def _has_group(mount: Mount) -> bool:
    """Whether a mount is a tmpfs that belongs to a group, which the engine takes in its older form only."""
    return mount.kind == "tmpfs" and mount.group is not None


def _tmpfs_options(mount: Mount) -> str:
    size = f",size={mount.size}" if mount.size else ""
    return f"{'ro' if mount.read_only else 'rw'},exec,nosuid,nodev,mode=2777,gid={mount.group}{size}"
