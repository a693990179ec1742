"""Images without a registry: a folder laid out like a build context, or this machine's own programs.

A folder's ``requirements.txt`` becomes a virtual environment, made at the first pull and named by its content.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..config import ImageSource
from ..runtime import image_name
from ..runtime.engine import Mount, PulledImage, PullError
from ..runtime.image_table import ImageTable
from . import dockerfile

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
HOST_IMAGES = ("alpine", "busybox", "debian", "ubuntu", "python")
_TAIL = 2000  # characters of an installer's output that a message carries


@dataclass(frozen=True)
class LocalImage:
    """What the process engine needs to run an image."""

    pulled: PulledImage
    env: Mapping[str, str]
    path_first: tuple[Path, ...] = ()
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = field(default=())


class Images:
    """``folders`` are the build contexts by pattern, ``source`` reads them again; see ``ImageTable``."""

    def __init__(
        self, folders: Mapping[str, Path], venvs: Path, tools: Path, source: ImageSource | None = None
    ) -> None:
        self.table = ImageTable(folders, source)
        self._venvs = venvs
        self._tools = tools

    def begin(self) -> None:
        """Make the folder that gives host images a ``python``, whatever this machine calls its own."""
        self._tools.mkdir(parents=True, exist_ok=True)
        for name in ("python", "python3"):
            link = self._tools / name
            link.unlink(missing_ok=True)
            link.symlink_to(base_python())

    def get(self, name: str) -> LocalImage | None:
        """The image if it is there already. Raises PullError for a name that is none."""
        image_name.check(name)
        folder = self.table.folder(name)
        if folder is not None:
            return self._from_folder(name, folder) if self._installed(folder) else None
        return self._host_image(name)

    async def pull(self, name: str) -> LocalImage:
        """Make the image ready. Raises PullError with what a container's status should say."""
        image_name.check(name)
        folder = self.table.folder(name)
        if folder is None:
            host = self._host_image(name)
            if host is None:
                raise PullError("ErrImagePull", image_name.no_folder(name))
            return host
        if not folder.is_dir():
            raise PullError("ErrImagePull", f'failed to pull image "{name}": its folder {folder} does not exist')
        if not self._installed(folder):
            await asyncio.get_running_loop().run_in_executor(None, self._install, name, folder)
        return self._from_folder(name, folder)

    def _host_image(self, name: str) -> LocalImage | None:
        repository = name.split("@")[0].removeprefix("docker.io/").removeprefix("library/")
        repository, _, tag = repository.partition(":")
        if repository not in HOST_IMAGES or (repository == "python" and tag and not tag.startswith(("3", "latest"))):
            return None
        identity = "sha256:" + hashlib.sha256(f"{repository} on this machine".encode()).hexdigest()
        return LocalImage(
            PulledImage(image_name.full(name), f"{image_name.full(name).rpartition(':')[0]}@{identity}"),
            env={},
            path_first=(self._tools,) if repository == "python" else (),
            cmd=("python3",) if repository == "python" else ("sh",),
        )

    def _from_folder(self, name: str, folder: Path) -> LocalImage:
        recipe = dockerfile.load(folder)
        venv = self._venv(folder)
        env = dict(recipe.env)
        if venv:
            env.setdefault("VIRTUAL_ENV", str(venv))
        mounts = [
            Mount(folder / source, target, kind="overlay" if (folder / source).is_dir() else "bind", read_only=True)
            for source, target in recipe.copies
            if (folder / source).exists()
        ]
        identity = hashlib.sha256(f"{folder} {venv}".encode()).hexdigest()
        return LocalImage(
            PulledImage(image_name.full(name), f"{image_name.full(name).rpartition(':')[0]}@sha256:{identity}"),
            env=env,
            path_first=(venv / "bin",) if venv else (self._tools,),
            workdir=recipe.workdir,
            entrypoint=recipe.entrypoint,
            cmd=recipe.cmd,
            mounts=tuple(mounts),
        )

    def _venv(self, folder: Path) -> Path | None:
        requirements = folder / "requirements.txt"
        if not requirements.is_file():
            return None
        content = requirements.read_bytes() + f"\n{base_python()} {sys.version}".encode()
        return self._venvs / hashlib.sha256(content).hexdigest()[:16]

    def _installed(self, folder: Path) -> bool:
        venv = self._venv(folder)
        return folder.is_dir() and (venv is None or (venv / ".complete").is_file())

    def _install(self, name: str, folder: Path) -> None:
        """Make the folder's venv. Runs in a thread; a lock file keeps other clusters that share it waiting.

        A venv can't be moved, so a marker written last says that one is whole, and one without is made anew.
        """
        venv = self._venv(folder)
        assert venv is not None
        venv.parent.mkdir(parents=True, exist_ok=True)
        with open(venv.with_suffix(".lock"), "w") as lock:  # noqa: PTH123
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._installed(folder):
                return
            shutil.rmtree(venv, ignore_errors=True)
            requirements = str(folder / "requirements.txt")
            for command in _installer(venv, requirements):
                try:
                    done = subprocess.run(
                        command,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        text=True,
                        errors="replace",
                        cwd=folder,
                    )
                except OSError as error:
                    raise PullError("ErrImagePull", f'failed to pull image "{name}": {error}') from error
                if done.returncode:
                    shutil.rmtree(venv, ignore_errors=True)
                    raise PullError(
                        "ErrImagePull",
                        f'failed to pull image "{name}": installing {requirements} failed: '
                        + done.stdout[-_TAIL:].strip(),
                    )
            (venv / ".complete").touch()


def base_python() -> str:
    """The interpreter that the server's own virtual environment, if any, was made from."""
    return str(Path(getattr(sys, "_base_executable", sys.executable) or sys.executable).resolve())


def _installer(venv: Path, requirements: str) -> list[list[str]]:
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    python = str(venv / "bin" / "python")
    if uv:
        return [
            [uv, "venv", "--quiet", "--no-project", "--python", base_python(), str(venv)],
            # Compiled here, since pods see the environment read-only.
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", requirements],
        ]
    return [
        [base_python(), "-m", "venv", str(venv)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
    ]


def environment(image: LocalImage, given: Mapping[str, str]) -> dict[str, str]:
    """The image's variables under the container's, and a PATH with the image's programs first."""
    path = ":".join([*map(str, image.path_first), image.env.get("PATH", PATH)])
    return {"PATH": path, "HOME": "/root", **{k: v for k, v in image.env.items() if k != "PATH"}, **given}
