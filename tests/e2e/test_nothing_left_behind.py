"""Nothing is left behind when a part of Airflow or of the cluster is killed: no pod, and never two pods of one try.

These tests have an Airflow and a cluster of their own, because they kill both.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pod_watch import Recording, recording
from real_stack import REPOSITORY, Run, Running, wait_for
from test_interruptions import child_of

from dag_factory import cluster
from dag_factory.cli.main import main
from dag_factory.cli.stack import open_stack
from dag_factory.cluster.faults_client import set_api_errors
from dag_factory.local import processes
from dag_factory.local.instance import COMPONENTS, Instance, _airflow, _State, free_port

SLOW = "while ! [ -e /data/go ]; do echo step; sleep 0.2; done"
FAILED = {"new_state": "failed"}
PIPELINE = """version: 1
description: Jobs that run until the test lets them end.
defaults:
  docker_image: "busybox:1"
  resource_flavor: cpu-small
  retries: {{retries: {retries}, delay: 1s}}
  termination_grace: 1s
  timeout: {timeout}
  volumes: [{{mount_path: /data, pvc: "{claim}"}}]
  script: {script}
jobs:
  waits: {{}}
  defers: {{deferrable: true}}
"""


class QuickInstance(Instance):
    """An Airflow that soon notices that the triggerer or a worker is gone."""

    @property
    def tasks_port_file(self) -> Path:
        """The file with the port of the API for tasks, for a component that is started again."""
        return self.folder / "tasks_port"

    def settings(self, port: int, tasks_port: int | None = None) -> dict[str, str]:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tasks_port_file.write_text(str(tasks_port))
        return super().settings(port, tasks_port) | {
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            # On a busy machine, a scheduler with a shorter limit takes itself for dead, and gives its tasks more tries.
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "120",
            "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "30",
        }


@dataclass(frozen=True)
class Chaos:
    """The stack, its pods, and how to kill its parts."""

    running: Running
    instance: QuickInstance
    pods: Recording

    def pipeline(self, name: str, retries: int = 1, timeout: str = "10m", script: str = SLOW) -> str:
        dag_id = f"chaos.{name}"
        self.running.pipeline(
            dag_id, PIPELINE.format(retries=retries, timeout=timeout, script=script, claim=f"chaos-{name}")
        )
        return dag_id

    def start(self, name: str, **options: object) -> Run:
        """Start a run and wait until both of its pods run."""
        run = self.running.start(self.pipeline(name, **options))  # type: ignore[arg-type]
        wait_for(lambda: self.runs(run), 300, f"{name} to run")
        return run

    def runs(self, run: Run) -> bool:
        """Whether both pods of the run have started, and one is watched by a worker and one by the triggerer."""
        if run.jobs() != {"waits": "running", "defers": "deferred"}:
            return False
        pods = [key for key in list(self.pods.active.values()) if key[0] == run.dag_id]
        return len(pods) == 2 and "step" in run.log("waits", self.tries(run)["waits"])

    def tries(self, run: Run) -> dict[str, int]:
        """The number of the last try of each job."""
        return {one["task_id"]: one["try_number"] for one in self.running.api.tasks(run.dag_id, run.id)}

    def release(self, name: str) -> None:
        """Let the jobs of a pipeline end."""
        (self.running.claim(f"chaos-{name}") / "go").touch()

    def kill(self, component: str) -> None:
        """Kill a component of Airflow with SIGKILL, and start it again."""
        state = self.instance._read()
        assert state is not None
        [process] = [one for one in state.processes if one.name == component]
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: not process.alive, 300, f"the end of the {component}")
        settings = self.instance.settings(state.port, int(self.instance.tasks_port_file.read_text()))
        command = [_airflow(), *COMPONENTS[component]]
        again = processes.start(f"{component}", command, settings, self.instance.logs / "again")
        self.instance._write(_State(state.port, (*state.processes, again)))

    def check(self, run: Run, pods: dict[str, int], rescheduled: bool = False) -> None:
        """Check the pods of an ended run: how many each job had, that none is left, and that no two ran together.

        Each try has one pod, except that a rescheduled try keeps its number and gets another pod.
        """
        wait_for(lambda: run.dag_id not in {key[0] for key in list(self.pods.active.values())}, 300, "the pods to end")
        found = {key[2]: dict(tries) for key, tries in self.pods.tries.items() if key[0] == run.dag_id}
        assert {job: sum(map(len, tries.values())) for job, tries in found.items()} == pods, found
        assert rescheduled or all(len(names) == 1 for tries in found.values() for names in tries.values()), found
        names = {name for tries in found.values() for one in tries.values() for name in one}
        assert not [pair for pair in self.pods.together if pair & names]

    def dagf_pods(self, *words: str) -> Result:
        kubeconfig = self.running.stack.cluster_folder / "kubeconfig"
        return CliRunner().invoke(
            main, ["pods", *words, "--kubeconfig", str(kubeconfig), "--airflow", self.running.api.url]
        )


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaos]:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        os.environ.pop(name, None)
    home = tmp_path_factory.mktemp("chaos")
    for folder in ("configs/platform", "dags"):
        shutil.copytree(REPOSITORY / folder, home / folder)
    stack = open_stack("chaos", home)
    own = stack.instance
    instance = QuickInstance(own.home, own.folder, own.environment, own.connections)
    try:
        cluster.up(stack.cluster)
        running = Running(stack, instance.start(free_port()))
        with recording(stack.cluster_folder / "kubeconfig") as pods:
            yield Chaos(running, instance, pods)
    finally:
        instance.stop()
        cluster.down(stack.cluster_folder)


@pytest.fixture(scope="module")
def together(chaos: Chaos) -> dict[str, Run]:
    """Runs that are interrupted at the same time, each in its own way."""
    names = ("worker", "process", "last", "ended", "cleared", "failed", "deleted")
    retries = {"last": 0, "ended": 0}
    for name in names:
        chaos.pipeline(name, retries=retries.get(name, 1))
    runs = {name: chaos.start(name, retries=retries.get(name, 1)) for name in names}
    runs["timeout"] = chaos.running.start(chaos.pipeline("timeout", timeout="30s", retries=0))
    api = chaos.running.api
    for name in ("worker", "process", "last", "ended"):
        run = runs[name]
        [task] = [one for one in api.tasks(run.dag_id, run.id) if one["task_id"] == "waits"]
        child = child_of(task)
        assert child is not None
        if name not in ("process", "ended"):
            worker = child.parent()
            assert worker is not None
            worker.kill()
        child.kill()
    run = runs["cleared"]
    body = {"dry_run": False, "dag_run_id": run.id, "task_ids": ["waits", "defers"], "only_failed": False}
    api.call("POST", f"/dags/{run.dag_id}/clearTaskInstances", body)
    run = runs["failed"]
    for job in ("waits", "defers"):
        api.call("PATCH", f"/dags/{run.dag_id}/dagRuns/{run.id}/taskInstances/{job}", FAILED)
    api.call("PATCH", f"/dags/{runs['ended'].dag_id}/dagRuns/{runs['ended'].id}/taskInstances/defers", FAILED)
    (chaos.running.stack.home / "configs/pipelines/chaos/deleted.yaml").unlink()
    return runs


@pytest.mark.parametrize("name", ["worker", "process"])
def test_the_next_try_takes_over_the_pod_of_a_killed_worker(chaos: Chaos, together: dict[str, Run], name: str) -> None:
    run = together[name]
    wait_for(lambda: chaos.tries(run)["waits"] == 2 and "step" in run.log("waits", 2), 300, "the next try")
    chaos.release(name)
    assert run.wait() == "success"
    chaos.check(run, {"waits": 1, "defers": 1})
    assert "Try 1 ended without a verdict of its own. killed: the worker of this try was lost" in run.log("waits", 2)


def test_cleared(chaos: Chaos, together: dict[str, Run]) -> None:
    """Cleared while running: the old pods end, and each job gets one new pod."""
    run = together["cleared"]
    wait_for(lambda: chaos.tries(run) == {"waits": 2, "defers": 2} and chaos.runs(run), 300, "the next tries")
    chaos.release("cleared")
    assert run.wait() == "success"
    chaos.check(run, {"waits": 2, "defers": 2})


def test_marked_failed(chaos: Chaos, together: dict[str, Run]) -> None:
    assert together["failed"].wait() == "failed"
    chaos.check(together["failed"], {"waits": 1, "defers": 1})


def test_timeout(chaos: Chaos, together: dict[str, Run]) -> None:
    assert together["timeout"].wait() == "failed"
    chaos.check(together["timeout"], {"waits": 1, "defers": 1})


def test_deleted_pipeline(chaos: Chaos, together: dict[str, Run]) -> None:
    chaos.release("deleted")
    assert together["deleted"].wait() in ("success", "failed")
    chaos.check(together["deleted"], {"waits": 1, "defers": 1})


def test_the_end_of_a_run_deletes_the_pod_of_a_killed_last_try(chaos: Chaos, together: dict[str, Run]) -> None:
    """The job never ends by itself, and nothing in a worker is left that could delete its pod."""
    assert together["ended"].wait() == "failed"
    chaos.check(together["ended"], {"waits": 1, "defers": 1})


def test_the_pod_of_a_last_try_is_an_orphan_that_reap_deletes(chaos: Chaos, together: dict[str, Run]) -> None:
    """Until the run ends, nobody deletes the pod if the worker of the last try is killed."""
    run = together["last"]
    wait_for(lambda: run.jobs()["waits"] == "failed", 300, "Airflow to notice the killed worker")

    def orphans() -> list[str]:
        found = json.loads(chaos.dagf_pods("--json").stdout)
        return [one["name"] for one in found if one["watch"] == "orphan" and one["dag_id"] == run.dag_id]

    [orphan] = wait_for(orphans, 300, "the orphan")
    assert chaos.dagf_pods("--orphans").exit_code == 1
    reaped = chaos.dagf_pods("reap", "--yes")
    assert (reaped.exit_code, f"deleted      default/{orphan}" in reaped.stdout) == (0, True), reaped.output
    chaos.release("last")
    assert run.wait() == "failed"
    chaos.check(run, {"waits": 1, "defers": 1})


@pytest.mark.parametrize("component", ["triggerer", "scheduler"])
def test_killed_component(chaos: Chaos, component: str) -> None:
    run = chaos.start(component)
    chaos.kill(component)
    wait_for(lambda: run.running.api.health()[component] == "healthy", 300, f"a new {component}")
    chaos.release(component)
    assert run.wait() == "success"
    chaos.check(run, {"waits": 1, "defers": 1})


def test_lost_connection(chaos: Chaos) -> None:
    """The API answers with errors while the jobs end: their tries wait for it, and see how the jobs ended."""
    run = chaos.start("connection")
    folder = chaos.running.stack.cluster_folder
    set_api_errors(folder, 1.0)
    chaos.release("connection")
    wait_for(lambda: "Retrying" in run.log("waits"), 300, "the lost connection")
    set_api_errors(folder, 0)
    assert run.wait() == "success"
    chaos.check(run, {"waits": 1, "defers": 1})


def test_restarted_cluster(chaos: Chaos) -> None:
    """The cluster stops, and its pods with it: the jobs run again."""
    run = chaos.start("restart", retries=2)
    cluster.down(chaos.running.stack.cluster_folder)
    cluster.up(chaos.running.stack.cluster)
    chaos.release("restart")
    assert run.wait() == "success"
    chaos.check(run, {"waits": 2, "defers": 2}, rescheduled=True)
