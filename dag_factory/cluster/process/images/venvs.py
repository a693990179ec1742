"""Virtual environments for images: one per content of a ``requirements.txt``, shared by clusters."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from ...runtime.engine import PullError

_TAIL = 2000  # characters of an installer's output in an error message
_COMPLETE = ".complete"


def venv_path(context: Path, venvs: Path) -> Path | None:
    """Where the virtual environment of a build context is or will be. None if it needs none."""
    requirements = context / "requirements.txt"
    if not requirements.is_file():
        return None
    content = requirements.read_bytes() + f"\n{base_python()} {sys.version}".encode()
    return venvs / hashlib.sha256(content).hexdigest()[:16]


def is_complete(venv: Path) -> bool:
    return (venv / _COMPLETE).is_file()


def install(name: str, context: Path, venv: Path) -> None:
    """Create the virtual environment of image ``name``. Raises PullError.

    Call it in a thread. A lock file makes other clusters that share the environment wait. A virtual environment cannot
    be moved, so a marker is written last, and an environment without the marker is created again.
    """
    venv.parent.mkdir(parents=True, exist_ok=True)
    with open(venv.with_suffix(".lock"), "w") as lock:  # noqa: PTH123
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_complete(venv):
            return
        shutil.rmtree(venv, ignore_errors=True)
        requirements = str(context / "requirements.txt")
        for command in _commands(venv, requirements):
            try:
                result = subprocess.run(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    cwd=context,
                )
            except OSError as error:
                raise PullError("ErrImagePull", f'failed to pull image "{name}": {error}') from error
            if result.returncode:
                shutil.rmtree(venv, ignore_errors=True)
                output = result.stdout[-_TAIL:].strip()
                message = f'failed to pull image "{name}": installing {requirements} failed: {output}'
                raise PullError("ErrImagePull", message)
        (venv / _COMPLETE).touch()


def base_python() -> str:
    """The interpreter that the virtual environment of the server, if any, was made from."""
    return str(Path(getattr(sys, "_base_executable", sys.executable) or sys.executable).resolve())


def _commands(venv: Path, requirements: str) -> list[list[str]]:
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    python = str(venv / "bin" / "python")
    if uv:
        return [
            [uv, "venv", "--quiet", "--no-project", "--python", base_python(), str(venv)],
            # Compile the modules now: pods see the environment read-only.
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", requirements],
        ]
    return [
        [base_python(), "-m", "venv", str(venv)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
    ]
