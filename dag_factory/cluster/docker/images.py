"""Images of a Docker engine: those it has, those it can pull, and those it builds from folders."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config import ImageSource
from ..runtime import image_name
from ..runtime.engine import PulledImage, PullError
from ..runtime.image_table import ImageTable
from .client import DockerClient, DockerError

_TAIL = 2000  # characters of a build's output in an error message


class Images:
    """``folders`` are build contexts by image pattern, and ``source`` reads them again: see ``ImageTable``."""

    def __init__(self, client: DockerClient, folders: Mapping[str, Path], source: ImageSource | None = None) -> None:
        self._client = client
        self.table = ImageTable(folders, source)

    async def present(self, name: str) -> PulledImage | None:
        """The image if the engine has it. The image of a folder is built at each pull, which is fast."""
        image_name.check(name)
        if self.table.folder(name):
            return None
        try:
            return _pulled(name, await self._client.request("GET", f"/images/{name}/json"))
        except DockerError as error:
            if error.code == 404:
                return None
            raise PullError("ErrImagePull", f'failed to pull image "{name}": {error}') from error

    async def pull(self, name: str) -> PulledImage:
        """Pull or build an image. Raises PullError with the reason for the container's status."""
        image_name.check(name)
        folder = self.table.folder(name)
        try:
            if folder:
                await self._build(name, folder)
            else:
                repository, _, tag = image_name.full(name).rpartition(":")
                query = {"fromImage": name} if "@" in name else {"fromImage": repository, "tag": tag}
                await self._read_progress(self._client.stream_lines("POST", "/images/create", **query))
            return _pulled(name, await self._client.request("GET", f"/images/{name}/json"))
        except (DockerError, OSError) as error:
            if isinstance(error, DockerError) and error.code == 404:
                reason = image_name.not_found(name)
            elif folder:
                reason = f'failed to pull image "{name}": {error}'
            else:
                reason = image_name.unreachable(name, str(error))
            raise PullError("ErrImagePull", reason) from error

    async def _build(self, name: str, folder: Path) -> None:
        if not (folder / "Dockerfile").is_file():
            raise DockerError(400, f"no Dockerfile in {folder}")
        context = await asyncio.get_running_loop().run_in_executor(None, _tar, folder)
        query = {"t": name, "networkmode": "host", "rm": 1, "forcerm": 1}
        await self._read_progress(self._client.stream_lines("POST", "/build", context, **query))

    async def _read_progress(self, progress: Any) -> None:
        """Read the engine's progress to its end. Raises DockerError with the last part of the output."""
        output = ""
        async for line in progress:
            output = (output + line.get("stream", ""))[-_TAIL:]
            if line.get("error"):
                raise DockerError(500, f"{line['error']}\n{output}".strip())


def _pulled(name: str, found: Mapping[str, Any]) -> PulledImage:
    full = image_name.full(name)
    digests = found.get("RepoDigests") or []
    user = str((found.get("Config") or {}).get("User") or "")
    return PulledImage(full, str(digests[0]) if digests else f"{full.rpartition(':')[0]}@{found['Id']}", user=user)


def _tar(folder: Path) -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        archive.add(folder, ".")
    return memory.getvalue()
