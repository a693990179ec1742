"""``pip install .`` installs a working ``dagf``: the package is complete without an editable install."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from local_project import REPOSITORY


def test_install_from_source(tmp_path: Path) -> None:
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
    assert "Run on this machine" in run(dagf, "--help")
    assert "No problems in" in run(dagf, "check", "--home", str(REPOSITORY))
    for command in (["up"], ["demo"], ["run", "start.hello"]):
        output = run(dagf, *command, "--home", str(REPOSITORY), code=2)
        assert "which is not installed; install it from a checkout (`pip install '.[airflow,cluster]'`)" in output
        assert "Traceback" not in output


def run(*command: str, code: int = 0) -> str:
    """Run a command that must end with this exit code. Returns its output."""
    result = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr
