"""One real Airflow and one local cluster for all tests of this folder, with a project of their own.

The project is a copy of the repository (its loader and examples) with the pipelines of ``pipelines/`` and the tables of
``platform/``.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pytest
from kubernetes import client, config
from pod_watch import Recording, recording

from dag_factory import cluster
from dag_factory.cli.stack import Stack, open_stack
from dag_factory.cluster import faults_client
from dag_factory.local.api import FINISHED, AirflowApi
from dag_factory.local.instance import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    running: Running
    dag_id: str
    id: str

    def wait(self, seconds: float = 900) -> str:
        """Wait until the run ends. Returns its state."""

        def final_state() -> str | None:
            state = self.running.api.run_state(self.dag_id, self.id)
            return state if state in FINISHED else None

        return wait_for(final_state, seconds, f"{self.dag_id} {self.id} to end")

    def jobs(self) -> dict[str, str]:
        """Return the state of each job."""
        return {task["task_id"]: str(task["state"]) for task in self.running.api.tasks(self.dag_id, self.id)}

    def output(self, job: str) -> Any:
        return self.running.api.output(self.dag_id, self.id, job)

    def log(self, job: str, attempt: int = 1, index: int = -1) -> str:
        return self.running.api.log(self.dag_id, self.id, job, attempt, index)


@dataclass(frozen=True)
class Running:
    """The stack, the API of its Airflow, the runs that started with it, and all of its pods."""

    stack: Stack
    api: AirflowApi
    runs: dict[str, Run] = field(default_factory=dict)
    recording: Recording = field(default_factory=Recording)

    @cached_property
    def kubernetes(self) -> client.CoreV1Api:
        """The API of the cluster."""
        return client.CoreV1Api(config.new_client_from_config(str(self.stack.cluster_folder / "kubeconfig")))

    def pods(self, run: Run, job: str | None = None) -> list[Any]:
        """Return the pods of a run's DAG, or of one of its jobs."""
        selector = f"dag_id={run.dag_id}" + (f",task_id={job}" if job else "")
        return list(self.kubernetes.list_namespaced_pod("default", label_selector=selector).items)

    def fault(self, kind: str, dag_id: str, job: str) -> None:
        """End the next pod of a job."""
        faults_client.fail_pods(self.stack.cluster_folder, kind, f"{dag_id.replace('.', '-')}-{job}-*")

    def pipeline(self, dag_id: str, text: str) -> Path:
        """Write the file of a pipeline, as a commit does. No reader sees a part of it."""
        path = self.stack.home / "configs" / "pipelines" / (dag_id.replace(".", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(text)
        partial.replace(path)
        return path

    def claim(self, name: str) -> Path:
        """Return the folder of a volume claim. Creates it if it does not exist."""
        folder = cluster.claim_folder(self.stack.cluster_folder, "default", name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def start(self, dag_id: str, conf: dict[str, Any] | None = None) -> Run:
        """Start a run as soon as the DAG exists."""
        assert self.api.wait_for_dag(dag_id, 300), f"{dag_id} never appeared"
        return Run(self, dag_id, self.api.trigger(dag_id, conf))

    def import_error(self, file: str) -> dict[str, Any] | None:
        """Return the row of Airflow's Import Errors that names a file below ``configs/``.

        On a busy machine, the row may also exist without errors, with a warning about a slow loader.
        """
        rows = self.api.call("GET", "/importErrors")["import_errors"]
        return next((row for row in rows if f"configs/{file}" in row["stack_trace"]), None)


def wait_for(read: Callable[[], T | None], seconds: float, what: str) -> T:
    """Call ``read`` until its result is not empty. Returns the result."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = read()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


# Runs that need only time. They start together, and each is checked by its own test: names, DAGs, params.
# Those that wait for their own time limits start first.
WHAT_IF = {"title": 'No "demand" & $HOME', "product": "lamp", "days": 28, "demand": 0.5, "promotion": False}
MODELS = [{"name": "a tree", "url": "gs://a$$"}, {"name": "dense", "url": "gs://b"}]
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "limited": ("checks.limited", {}),
    "failures-reasons": ("failures.reasons", {}),
    "failures-deferred": ("failures.deferred", {}),
    "failures-retried": ("failures.retried", {}),
    "climbs": ("retries.climbs", {}),
    "streams": ("checks.streams", {}),
    "fails": ("checks.fails", {}),
    "wine": ("ml.wine", {}),
    "orders": ("retail.orders", {}),
    "damaged": ("retail.orders", {"damaged": "fr"}),  # after `orders`: both write one table file
    "deferred": ("checks.deferred", {}),
    "memory": ("checks.memory", {}),
    "image": ("checks.image", {}),
    "many": ("checks.pod", {"rows": 4}),
    "graph": ("checks.graph", {}),
    "teardown": ("checks.teardown", {}),
    "tables": ("guild.tables", {}),
    "hello": ("start.hello", {}),
    "for_each": ("checks.for_each", {"models": MODELS}),
    "what_if": ("retail.what_if", WHAT_IF),
}
# How the first pods of the jobs of `retries.climbs` end, in this order.
CLIMB_FAULTS = {
    "oom": ("hungry", "deferred", "unlucky", "instances"),
    "evict": ("deferred", "unlucky", "instances", "evicted"),
}


LINKS = """
links:
  pod: "https://dashboard.example.com/#/pod/{namespace}/{name}"
  source: "https://git.example.com/acme/pipelines/blob/main/{path}#L{line}"
"""


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        os.environ.pop(name, None)
    home = tmp_path_factory.mktemp("project")
    for folder in ("configs", "dags", "examples"):
        shutil.copytree(REPOSITORY / folder, home / folder)
    for folder in ("pipelines", "platform"):
        shutil.copytree(Path(__file__).parent / folder, home / "configs" / folder, dirs_exist_ok=True)
    local = home / "configs" / "platform" / "environments" / "local.yaml"
    local.write_text(local.read_text() + LINKS)
    stack = open_stack("e2e", home)
    try:
        # Images use the virtual environments of the repository, so `make demo` and the tests install them once.
        cluster.up(replace(stack.cluster, venvs=REPOSITORY / ".dagf" / "images"))
        api = stack.instance.start(free_port())
        with recording(stack.cluster_folder / "kubeconfig") as pods:
            found = Running(stack, api, recording=pods)
            for kind, jobs in CLIMB_FAULTS.items():
                for job in jobs:
                    found.fault(kind, "retries.climbs", job)
            for name, (dag_id, conf) in RUNS.items():
                found.runs[name] = found.start(dag_id, conf)
            yield found
    finally:
        stack.instance.stop()
        cluster.down(stack.cluster_folder)
