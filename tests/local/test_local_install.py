"""``pip install .`` gives a working ``dagf``: nothing of the package is missing where it is not editable."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from local_project import REPOSITORY


def test_installed_from_its_source(tmp_path: Path) -> None:
    source, venv = tmp_path / "source", tmp_path / "venv"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("dag_factory", "schemas"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    uv = str(Path(sys.executable).parent / "uv")
    run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(venv))
    run(uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), str(source))

    dagf = str(venv / "bin" / "dagf")
    assert "Commands" in run(dagf, "--help")
    assert "No problems in" in run(dagf, "check", "--home", str(REPOSITORY))
    for command in ("up", "demo"):
        said = run(dagf, command, "--home", str(REPOSITORY), code=2)
        assert "which is not installed; install it from a checkout (`pip install '.[airflow,cluster]'`)" in said
        assert "Traceback" not in said


def run(*command: str, code: int = 0) -> str:
    """What a command prints, if it ends with this exit code."""
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
