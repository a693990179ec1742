"""Images without a registry: a folder that is a build context, or the programs of this machine.

The first pull of a folder installs its ``requirements.txt`` into a virtual environment.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ...config import ImageSource
from ...runtime import image_name
from ...runtime.engine import Mount, PulledImage, PullError
from ...runtime.image_table import ImageTable
from . import dockerfile, venvs

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KERNEL_FOLDERS = ("dev", "proc", "sys")
HOST_IMAGES = ("alpine", "busybox", "debian", "ubuntu", "python")


@dataclass(frozen=True)
class LocalImage:
    """What the process engine needs to run an image. ``path_first`` are folders for the start of PATH."""

    pulled: PulledImage
    env: Mapping[str, str]
    path_first: tuple[Path, ...] = ()
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()


class Images:
    """``folders`` are build contexts by image pattern, and ``source`` reads them again: see ``ImageTable``.

    ``venvs_folder`` is for virtual environments, ``tools`` for links to programs.
    """

    def __init__(
        self, folders: Mapping[str, Path], venvs_folder: Path, tools: Path, source: ImageSource | None = None
    ) -> None:
        self.table = ImageTable(folders, source)
        self._venvs_folder = venvs_folder
        self._tools = tools

    def begin(self) -> None:
        """Create the folder that gives host images a ``python``, whatever its name is on this machine."""
        self._tools.mkdir(parents=True, exist_ok=True)
        for name in ("python", "python3"):
            link = self._tools / name
            link.unlink(missing_ok=True)
            link.symlink_to(venvs.base_python())

    def get(self, name: str) -> LocalImage | None:
        """The image if it needs no pull. Raises PullError if the name is not valid."""
        image_name.check(name)
        folder = self.table.folder(name)
        if folder is None:
            return _host_image(name, self._tools)
        venv = self._venv(folder)
        is_ready = folder.is_dir() and (venv is None or venvs.is_complete(venv))
        return _folder_image(name, folder, venv, self._tools) if is_ready else None

    async def pull(self, name: str) -> LocalImage:
        """Make the image ready. Raises PullError with the reason for the container's status."""
        image_name.check(name)
        folder = self.table.folder(name)
        if folder is None:
            host = _host_image(name, self._tools)
            if host is None:
                raise PullError("ErrImagePull", image_name.no_folder(name))
            return host
        if not folder.is_dir():
            raise PullError("ErrImagePull", f'failed to pull image "{name}": its folder {folder} does not exist')
        venv = self._venv(folder)
        if venv and not venvs.is_complete(venv):
            await asyncio.get_running_loop().run_in_executor(None, venvs.install, name, folder, venv)
        return _folder_image(name, folder, venv, self._tools)

    def _venv(self, folder: Path) -> Path | None:
        return venvs.venv_path(folder, self._venvs_folder)


def environment(image: LocalImage, given: Mapping[str, str]) -> dict[str, str]:
    """The variables of the image, then of the container, and a PATH that starts with the programs of the image."""
    path = ":".join([*map(str, image.path_first), image.env.get("PATH", PATH)])
    return {"PATH": path, "HOME": "/root", **{k: v for k, v in image.env.items() if k != "PATH"}, **given}


def _host_image(name: str, tools: Path) -> LocalImage | None:
    """The programs of this machine under the name of a well-known image. None for any other name."""
    repository = name.split("@")[0].removeprefix("docker.io/").removeprefix("library/")
    repository, _, tag = repository.partition(":")
    if repository not in HOST_IMAGES or (repository == "python" and tag and not tag.startswith(("3", "latest"))):
        return None
    is_python = repository == "python"
    return LocalImage(
        _pulled(name, f"{repository} on this machine"),
        env={},
        path_first=(tools,) if is_python else (),
        cmd=("python3",) if is_python else ("sh",),
    )


def _folder_image(name: str, folder: Path, venv: Path | None, tools: Path) -> LocalImage:
    recipe = dockerfile.load(folder)
    env = dict(recipe.env)
    if venv:
        env.setdefault("VIRTUAL_ENV", str(venv))
    mounts = [mount for source, target in recipe.copies for mount in _mounts(folder / source, target)]
    return LocalImage(
        replace(_pulled(name, f"{folder} {venv}"), user=recipe.user),
        env=env,
        path_first=(venv / "bin",) if venv else (tools,),
        workdir=recipe.workdir,
        entrypoint=recipe.entrypoint,
        cmd=recipe.cmd,
        mounts=tuple(mounts),
    )


def _mounts(source: Path, target: str) -> list[Mount]:
    """The mounts that show a file or folder of an image. What is copied to ``/`` is shown next to the machine's."""
    if target == "/" and source.is_dir():
        return [
            mount
            for child in sorted(source.iterdir())
            if child.name not in _KERNEL_FOLDERS
            for mount in _mounts(child, f"/{child.name}")
        ]
    if not source.exists():
        return []
    return [Mount(source, target, kind="overlay" if source.is_dir() else "bind", read_only=True)]


def _pulled(name: str, content: str) -> PulledImage:
    full = image_name.full(name)
    return PulledImage(full, f"{full.rpartition(':')[0]}@sha256:{hashlib.sha256(content.encode()).hexdigest()}")
