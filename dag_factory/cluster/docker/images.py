"""Images of a Docker engine: those it has, those it can pull, and folders that it builds."""

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
from .http import DockerApi, DockerError

_TAIL = 2000  # characters of a build's output that a message carries


class Images:
    """``folders`` are the build contexts by pattern, ``source`` reads them again; see ``ImageTable``."""

    def __init__(self, api: DockerApi, folders: Mapping[str, Path], source: ImageSource | None = None) -> None:
        self._api = api
        self.table = ImageTable(folders, source)

    async def present(self, name: str) -> PulledImage | None:
        """The image if the engine has it. A folder's is never there: it is built at each pull, which is quick."""
        image_name.check(name)
        if self.table.folder(name):
            return None
        try:
            return _pulled(name, await self._api.ask("GET", f"/images/{name}/json"))
        except DockerError as error:
            if error.code == 404:
                return None
            raise PullError("ErrImagePull", f'failed to pull image "{name}": {error}') from error

    async def pull(self, name: str) -> PulledImage:
        """Raises PullError with what a container's status should say."""
        image_name.check(name)
        folder = self.table.folder(name)
        try:
            if folder:
                await self._build(name, folder)
            else:
                repository, _, tag = image_name.full(name).rpartition(":")
                query = {"fromImage": name} if "@" in name else {"fromImage": repository, "tag": tag}
                await self._follow(self._api.lines("POST", "/images/create", **query))
            return _pulled(name, await self._api.ask("GET", f"/images/{name}/json"))
        except (DockerError, OSError) as error:
            if isinstance(error, DockerError) and error.code == 404:
                why = image_name.not_found(name)
            else:
                why = f'failed to pull image "{name}": {error}' if folder else image_name.unreachable(name, str(error))
            raise PullError("ErrImagePull", why) from error

    async def _build(self, name: str, folder: Path) -> None:
        if not (folder / "Dockerfile").is_file():
            raise DockerError(400, f"there is no Dockerfile in {folder}")
        context = await asyncio.get_running_loop().run_in_executor(None, _tar, folder)
        query = {"t": name, "networkmode": "host", "rm": 1, "forcerm": 1}
        await self._follow(self._api.lines("POST", "/build", context, **query))

    async def _follow(self, progress: Any) -> None:
        """Read the engine's progress to its end. Raises DockerError with the end of what was said."""
        said = ""
        async for line in progress:
            said = (said + line.get("stream", ""))[-_TAIL:]
            if line.get("error"):
                raise DockerError(500, f"{line['error']}\n{said}".strip())


def _pulled(name: str, found: Mapping[str, Any]) -> PulledImage:
    full = image_name.full(name)
    digests = found.get("RepoDigests") or []
    return PulledImage(full, str(digests[0]) if digests else f"{full.rpartition(':')[0]}@{found['Id']}")


def _tar(folder: Path) -> bytes:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        archive.add(folder, ".")
    return memory.getvalue()
