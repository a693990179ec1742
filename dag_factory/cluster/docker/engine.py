"""The engine that runs containers in Docker: real images, limits and mounts, on this machine's network."""

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
from .container import DockerContainer
from .guard import remove_all
from .http import DockerApi, DockerError
from .images import Images

log = logging.getLogger(__name__)

_CREATE = "failed to create containerd task: failed to create shim task: {}: unknown"


def socket_path() -> Path:
    """The engine's socket: ``DOCKER_HOST``'s, or the usual one. Raises OSError for an engine of another machine."""
    host = os.environ.get("DOCKER_HOST", "") or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        raise OSError(95, f"pods mount folders of this machine, so the Docker engine must be here too: {host}")
    return Path(host.removeprefix("unix://"))


class DockerEngine:
    """``state`` is the server's folder: containers of another server of the same folder are leftovers."""

    name = "docker"

    def __init__(self, state: Path, images: Mapping[str, Path], source: ImageSource | None = None) -> None:
        self.socket = socket_path()
        self.api = DockerApi(self.socket)
        self.images = Images(self.api, images, source)
        self.label = f"dagf.cluster={hashlib.sha256(str(state).encode()).hexdigest()[:16]}"
        self._containers: dict[str, DockerContainer] = {}
        self._version: dict[str, Any] = {}
        self._listening: asyncio.Task[None] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    async def begin(self) -> None:
        try:
            self._version = await self.api.ask("GET", "/version")
        except (OSError, DockerError) as error:
            raise OSError(111, f"no Docker engine answers at {self.socket} ({error})") from error
        await asyncio.get_running_loop().run_in_executor(None, remove_all, str(self.socket), self.label)
        self._guard = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.guard", str(self.socket), self.label],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._listening = asyncio.ensure_future(self._listen())
        for line in (f"{key}: {value}" for key, value in self.describe().items()):
            log.info("%s", line)

    async def end(self) -> None:
        if self._listening:
            self._listening.cancel()
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            await asyncio.get_running_loop().run_in_executor(None, self._guard.wait)

    def describe(self) -> dict[str, str]:
        return {
            "engine": f"docker {self._version.get('Version', '')} at {self.socket}",
            "isolation": "containers; the network is this machine's",
            "memory limits": "Docker's",
            "cpu limits": "Docker's",
        }

    async def present(self, image: str) -> PulledImage | None:
        await self.images.table.refresh()
        return await self.images.present(image)

    async def pull(self, image: str) -> PulledImage:
        await self.images.table.refresh()
        return await self.images.pull(image)

    async def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> DockerContainer:
        making = asyncio.ensure_future(self._make(spec, output))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            # Nobody would know of the container: see it made, then remove it.
            with contextlib.suppress(OSError, StartError):
                await (await making).remove()
            raise

    def forget(self, pod_uid: str) -> None:
        pass

    async def _make(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> DockerContainer:
        try:
            name = f"dagf-{spec.pod[:40]}-{spec.name[:20]}-{spec.id[:12]}"
            made = await self.api.ask("POST", "/containers/create", self._body(spec), name=name)
        except (DockerError, OSError) as error:
            raise StartError("CreateContainerError", str(error)) from error
        container = DockerContainer(self.api, made["Id"])
        self._containers[container.id] = container
        try:
            await container.begin(output)
        except (DockerError, OSError) as error:
            await container.remove()
            text = str(error)
            if "exec: " in text or "executable file not found" in text:
                text = text[max(0, text.find("OCI runtime create failed")) :].removesuffix(": unknown")
                raise StartError("StartError", _CREATE.format(text)) from error
            raise StartError("CreateContainerError", text) from error
        ended = asyncio.ensure_future(container.wait())
        ended.add_done_callback(lambda _: self._containers.pop(container.id, None))
        return container

    def _body(self, spec: ContainerSpec) -> dict[str, Any]:
        host: dict[str, Any] = {
            "NetworkMode": "host",
            "Mounts": [_mount(mount) for mount in spec.mounts],
            "GroupAdd": [str(group) for group in spec.supplementary_groups],
            "LogConfig": {"Type": "none"},
        }
        if spec.memory:
            host |= {"Memory": spec.memory, "MemorySwap": spec.memory}
        if spec.cpu:
            host["NanoCpus"] = int(spec.cpu * 1e9)
        body: dict[str, Any] = {
            "Image": spec.image,
            "Env": [f"{name}={value}" for name, value in spec.env.items()],
            "Hostname": spec.pod[:63],
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
        if spec.user is not None:
            body["User"] = f"{spec.user}" + (f":{spec.group}" if spec.group is not None else "")
        return body

    async def _listen(self) -> None:
        """Hear of processes that the kernel ended for their memory."""
        wanted = json.dumps({"event": ["oom"], "label": [self.label]})
        with contextlib.suppress(OSError, DockerError, asyncio.IncompleteReadError):
            async for event in self.api.lines("GET", "/events", filters=wanted):
                container = self._containers.get(event.get("id", ""))
                if container:
                    await container.out_of_memory()


def _mount(mount: Mount) -> dict[str, Any]:
    target = {"Target": mount.target}
    if mount.kind == "tmpfs":
        options = {"Mode": 0o1777} | ({"SizeBytes": mount.size} if mount.size else {})
        return {**target, "Type": "tmpfs", "TmpfsOptions": options}
    return {**target, "Type": "bind", "Source": str(mount.source), "ReadOnly": mount.read_only}
