"""One real Airflow and one local cluster for all tests of this folder, on a project of their own.

The project is a copy of the repository's: its loader, its examples, and the pipelines that the tests add.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dag_factory import cluster
from dag_factory.cli.stack import Stack, open_stack
from dag_factory.local.api import FINISHED, AirflowApi
from dag_factory.local.instance import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
T = TypeVar("T")


@dataclass(frozen=True)
class Running:
    """The stack, its Airflow's API, and ways to wait for what it does."""

    stack: Stack
    api: AirflowApi

    def pipeline(self, dag_id: str, text: str) -> Path:
        """Write a pipeline's file, as a commit would."""
        path = self.stack.home / "configs" / "pipelines" / (dag_id.replace(".", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def wait_for_task(self, dag_id: str, run_id: str, task: str, states: tuple[str, ...], seconds: float = 90) -> Any:
        """The task instance once it is in one of the states."""

        def look() -> Any:
            found = {one["task_id"]: one for one in self.api.tasks(dag_id, run_id)}.get(task)
            return found if found and found["state"] in states else None

        return eventually(look, seconds, f"{dag_id}.{task} to be {' or '.join(states)}")

    def run(self, dag_id: str, conf: dict[str, Any] | None = None, seconds: float = 180) -> tuple[str, str]:
        """Run a DAG to its end. Returns the run's id and state."""
        assert self.api.wait_for_dag(dag_id, 60), f"{dag_id} never came"
        run_id = self.api.trigger(dag_id, conf)

        def look() -> str | None:
            state = self.api.run_state(dag_id, run_id)
            return state if state in FINISHED else None

        return run_id, eventually(look, seconds, f"{dag_id} {run_id} to end")

    def import_errors(self) -> list[dict[str, Any]]:
        """The rows of Airflow's Import Errors."""
        return list(self.api.call("GET", "/importErrors")["import_errors"])


def eventually(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """What ``look`` returns as soon as it is not None (or empty)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("project")
    for folder in ("configs", "dags", "examples"):
        shutil.copytree(REPOSITORY / folder, home / folder)
    stack = open_stack("e2e", home)
    cluster.up(stack.cluster)
    try:
        yield Running(stack, stack.instance.start(free_port()))
    finally:
        stack.instance.stop()
        cluster.down(stack.cluster_folder)
