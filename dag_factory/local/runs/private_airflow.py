"""The Airflow of `dagf run`: it starts with the first run, stays warm between runs, and ends when nobody uses it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import dag_factory
from dag_factory.local.api import AirflowApi
from dag_factory.local.instance import LocalError, free_port
from dag_factory.local.runs.dag_files import is_locked, locked
from dag_factory.local.stack import Stack

NAME = "run"
"""The folder below ``.dagf`` of a private Airflow."""

KEEP_SECONDS = 15 * 60
"""How long a private Airflow runs after the last run."""


@dataclass(frozen=True)
class PrivateAirflow:
    """A private Airflow with its cluster, for one environment at a time."""

    stack: Stack

    @property
    def locks(self) -> Path:
        """The folder with a lock for each pipeline that runs."""
        return self.stack.folder / "locks"

    @property
    def _identity_file(self) -> Path:
        return self.stack.folder / "identity"

    @property
    def last_used(self) -> Path:
        """A file whose time of modification is the time of the last use."""
        return self.stack.folder / "last-used"

    def start(self, dag_id: str, report: Callable[[str], None]) -> AirflowApi:
        """Start what does not run yet, for a run of this pipeline. Raises ``LocalError``."""
        self.stack.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.stack.folder / "start.lock", wait=True):
            self.last_used.touch()
            is_same = self._identity() == self._stored()
            api = self.stack.instance.running()
            if is_same and api and self.stack.is_running():
                return api
            if api is not None and not is_same and self.others_run(dag_id):
                raise LocalError(
                    "another run uses the private Airflow with other settings; wait for its end, or stop it: dagf down"
                )
            self.stack.stop()
            if not is_same:
                shutil.rmtree(self.stack.dag_files, ignore_errors=True)
            self.stack.dag_files.mkdir(parents=True, exist_ok=True)
            self._identity_file.write_text(self._identity())
            self.stack.start(free_port(), report)
            self._start_keeper()
        api = self.stack.instance.running()
        if api is None:
            raise LocalError(f"Airflow ended after its start; see its logs: {self.stack.instance.logs}")
        return api

    def others_run(self, dag_id: str = "") -> bool:
        """Whether another pipeline than this one runs."""
        return any(is_locked(file) for file in self.locks.glob("*.lock") if file.stem != dag_id)

    def stop_unless_used(self, dag_id: str = "") -> bool:
        """Stop, unless another pipeline runs. Returns whether it stopped."""
        with locked(self.stack.folder / "start.lock", wait=True):
            return not self.others_run(dag_id) and self.stack.stop()

    def _identity(self) -> str:
        """A digest of what the processes were started with. Another version, environment or code needs new ones.

        A connection may have a password, so the file must not contain the values.
        """
        package = Path(dag_factory.__file__).parent
        changed = max(file.stat().st_mtime_ns for file in package.rglob("*.py"))
        connections = sorted(self.stack.connections.items())
        text = f"{version('dagwright')} {sys.executable} {changed} {self.stack.tables.environment} {connections}"
        return hashlib.sha256(text.encode()).hexdigest()

    def _stored(self) -> str:
        try:
            return self._identity_file.read_text()
        except OSError:
            return ""

    def _start_keeper(self) -> None:
        """Start the process that stops everything when nobody uses it any more."""
        with (self.stack.folder / "keeper.log").open("wb") as log:
            subprocess.Popen(
                [sys.executable, "-m", "dag_factory.local.runs.keeper", str(self.stack.home), str(KEEP_SECONDS)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=dict(os.environ),
            )


def wait_until_unused(airflow: PrivateAirflow, seconds: float) -> None:
    """Wait until no pipeline has run for this time, or until Airflow has ended."""
    instance = airflow.stack.instance
    while instance.running() is not None:
        try:
            used = airflow.last_used.stat().st_mtime
        except OSError:
            return
        if airflow.others_run():
            airflow.last_used.touch()
        elif time.time() - used > seconds:
            return
        time.sleep(min(5.0, seconds))
