"""A small project for each test, and the ``dagf`` command run in it as a user would."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DAGF = Path(sys.executable).parent / "dagf"
_MARK = "DAGWRIGHT_TEST"


@dataclass(frozen=True)
class Project:
    """A project. ``mark`` is in the environment of every process that its commands start."""

    home: Path
    mark: str

    def pipeline(self, name: str, jobs: str) -> str:
        """Write a pipeline of small jobs. Returns its DAG id."""
        path = self.home / "configs" / "pipelines" / "checks" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'version: 1\ndefaults: {{docker_image: "busybox:1", resource_flavor: cpu-small}}\n{jobs}')
        return f"checks.{name}"

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``dagf`` in a process group of its own."""
        foreign = ("AIRFLOW", "DAG_FACTORY", "_AIRFLOW")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return subprocess.Popen(
            [str(DAGF), *arguments],
            cwd=self.home,
            env={**inherited, _MARK: self.mark, "COLUMNS": "120"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A shell ignores SIGINT in background processes, and their children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def dagf(self, *arguments: str) -> tuple[int, str]:
        """Run ``dagf``. Returns its exit code and its output."""
        process = self.begin(*arguments)
        output, _ = process.communicate(timeout=600)
        return process.returncode, output

    def processes(self, name: str = "") -> list[psutil.Process]:
        """The running processes with the mark, and with this name. Pods have the mark if their pipeline sets it."""
        found = []
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get(_MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE
                if is_ours and name in ("", process.name()):
                    found.append(process)
            except psutil.Error:
                continue
        return found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    shutil.copytree(REPOSITORY / "dags", tmp_path / "dags")
    shutil.copytree(REPOSITORY / "configs" / "platform", tmp_path / "configs" / "platform")
    (tmp_path / "configs" / "pipelines").mkdir()
    found = Project(tmp_path, uuid.uuid4().hex)
    yield found
    for process in found.processes():  # left by a test that failed
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)


def eventually(look: Callable[[], Any], seconds: float, what: str) -> Any:
    """Call ``look`` until it returns a true value, and return that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")
