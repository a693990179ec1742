"""Tries that are interrupted: by the shutdown of a worker, or because somebody deletes the pod."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
from real_stack import Run, Running, wait_for

MESSAGE = "killed: the worker was told to end before the job was over"


def child_of(task: dict[str, Any]) -> psutil.Process | None:
    """Return the process of a running try, which the worker of the executor has forked."""
    for process in psutil.process_iter(["cmdline"]):
        if " ".join(process.info["cmdline"] or ()).strip().endswith(f"airflow worker -- {task['id']}"):
            return process
    return None


def terminate(run: Run, job: str, process: str, index: int = -1) -> None:
    """Terminate the ``child`` process of a job, or its ``worker``, after the job has written a line."""
    wait_for(lambda: run.jobs().get(job) == "running" and "step" in run.log(job, index=index), 300, f"{job} to run")
    [task] = [one for one in run.running.api.tasks(run.dag_id, run.id) if one["task_id"] == job]
    child = wait_for(lambda: child_of(task), 300, f"the process of {job}")
    (child if process == "child" else child.parent()).terminate()


@pytest.fixture(scope="module")
def interrupted(running: Running) -> Run:
    run = running.start("checks.stopped")
    terminate(run, "with-output", process="worker")
    terminate(run, "without-output", process="child")
    terminate(run, "each", process="child", index=0)
    terminate(run, "never-again", process="worker")
    return run


def test_the_job_of_a_terminated_worker_fails_and_its_log_says_why(interrupted: Run) -> None:
    assert interrupted.wait() == "failed"
    states = interrupted.jobs()
    assert states["never-again"] == "failed"
    assert states["after-never-again"] == "upstream_failed"
    for job in ("with-output", "without-output", "never-again"):
        assert MESSAGE in interrupted.log(job), job
    assert MESSAGE in interrupted.log("each", index=0)


def test_a_terminated_worker_leaves_no_pod(interrupted: Run) -> None:
    assert interrupted.wait() == "failed"
    wait_for(lambda: not interrupted.running.pods(interrupted), 300, "the end of the pods")


def test_the_next_try_succeeds(interrupted: Run) -> None:
    assert interrupted.wait() == "failed"
    for job in ("with-output", "without-output", "each"):
        [task] = [
            one for one in interrupted.running.api.tasks(interrupted.dag_id, interrupted.id) if one["task_id"] == job
        ]
        assert (task["state"], task["try_number"]) == ("success", 2), job
    assert interrupted.output("with-output") == {"try": 2}
    log = interrupted.log("with-output", 2)
    assert "no longer exists" not in log
    assert "Found matching pod" not in log
    assert "try 2" in interrupted.log("after-with-output")


def test_the_log_names_the_deletion_of_a_pod(running: Running) -> None:
    run = running.start("checks.deleted")
    for job, state in {"waits": "running", "defers": "deferred"}.items():
        wait_for(
            lambda job=job, state=state: (
                run.jobs().get(job) == state
                and [pod for pod in running.pods(run, job) if pod.status.phase == "Running"]
            ),
            300,
            f"{job} to run",
        )
        [pod] = running.pods(run, job)
        running.kubernetes.delete_namespaced_pod(pod.metadata.name, "default", grace_period_seconds=1)
    assert run.wait() == "failed"
    for job in ("waits", "defers"):
        assert "killed: the pod was deleted while the job ran" in run.log(job)
        assert "HTTP" not in run.log(job)
