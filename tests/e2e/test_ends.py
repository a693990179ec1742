"""How tries end that somebody ends: a worker's shutdown, a deleted pod."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
from kubernetes import client, config
from real_stack import Run, Running, eventually

TOLD = "the worker was told to end"


def child_of(task: dict[str, Any]) -> psutil.Process | None:
    """The process of a running try, which the executor's worker has forked."""
    for process in psutil.process_iter(["cmdline"]):
        if " ".join(process.info["cmdline"] or ()).strip().endswith(f"airflow worker -- {task['id']}"):
            return process
    return None


def stop(run: Run, job: str, of: str, index: int = -1) -> None:
    """End the job's ``child``, or the ``worker`` above it, as a shutdown does, once the job has written a line."""
    eventually(lambda: run.jobs()[job] == "running" and "step" in run.log(job, index=index), 300, f"{job} to run")
    [task] = [one for one in run.running.api.tasks(run.dag_id, run.id) if one["task_id"] == job]
    child = eventually(lambda: child_of(task), 300, f"the process of {job}")
    (child if of == "child" else child.parent()).terminate()


def kube(running: Running) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(running.stack.cluster_folder / "kubeconfig")))


def pods(run: Run, job: str | None = None) -> list[Any]:
    """The pods of a run's DAG, or of one of its jobs."""
    selector = f"dag_id={run.dag_id}" + (f",task_id={job}" if job else "")
    return list(kube(run.running).list_namespaced_pod("default", label_selector=selector).items)


@pytest.fixture(scope="module")
def stopped(running: Running) -> Run:
    run = running.begin("checks.stopped")
    stop(run, "with-output", of="worker")
    stop(run, "without-output", of="child")
    stop(run, "each", of="child", index=0)
    stop(run, "never-again", of="worker")
    return run


def test_a_stopped_workers_job_fails_and_its_log_says_why(stopped: Run) -> None:
    assert stopped.end() == "failed"
    states = stopped.jobs()
    assert states["never-again"] == "failed"
    assert states["after-never-again"] == "upstream_failed"
    for job in ("with-output", "without-output", "never-again"):
        assert TOLD in stopped.log(job), job
    assert TOLD in stopped.log("each", index=0)


def test_no_pod_of_a_stopped_worker_is_left(stopped: Run) -> None:
    assert stopped.end() == "failed"
    eventually(lambda: not pods(stopped), 300, "the end of the pods")


def test_its_next_try_does_the_work(stopped: Run) -> None:
    assert stopped.end() == "failed"
    for job in ("with-output", "without-output", "each"):
        [task] = [one for one in stopped.running.api.tasks(stopped.dag_id, stopped.id) if one["task_id"] == job]
        assert (task["state"], task["try_number"]) == ("success", 2), job
    assert stopped.output("with-output") == {"try": 2}
    log = stopped.log("with-output", 2)
    assert "no longer exists" not in log
    assert "Found matching pod" not in log
    assert "try 2" in stopped.log("after-with-output")


def test_a_deleted_pod_is_explained(running: Running) -> None:
    run = running.begin("checks.deleted")
    for job, state in {"waits": "running", "defers": "deferred"}.items():
        eventually(
            lambda job=job, state=state: (
                run.jobs().get(job) == state and [pod for pod in pods(run, job) if pod.status.phase == "Running"]
            ),
            120,
            f"{job} to run",
        )
        [pod] = pods(run, job)
        kube(running).delete_namespaced_pod(pod.metadata.name, "default", grace_period_seconds=1)
    assert run.end() == "failed"
    for job in ("waits", "defers"):
        assert "PodDeleted: the pod was deleted while it ran, by somebody or with its node" in run.log(job)
    assert "HTTP" not in run.log("waits")
