"""Runs with a real scheduler: outputs, logs, failures, and jobs that are ended from outside."""

from __future__ import annotations

import uuid

import psutil
from real_stack import Running, wait_for


def test_a_log_can_be_read_while_the_job_runs(running: Running) -> None:
    run = running.runs["streams"]
    wait_for(
        lambda: run.jobs() == {"streams": "running"} and "Said while it runs." in run.log("streams"),
        300,
        "the first line of the log",
    )
    assert run.jobs() == {"streams": "running"}
    (running.claim("streams") / "go").touch()
    assert run.wait() == "success"
    assert "Said at the end." in run.log("streams")
    assert "Could not read served logs" not in run.log("streams")


def test_a_failing_job_is_retried_and_its_log_names_the_exit_code(running: Running) -> None:
    run = running.runs["fails"]
    assert run.wait() == "failed"
    [task] = running.api.tasks(run.dag_id, run.id)
    assert (task["state"], task["try_number"]) == ("failed", 2)
    for attempt in (1, 2):
        log = run.log("fails", attempt)
        assert f"This is try {attempt}." in log
        assert "The table is gone." in log
        assert "exit code 3: the container failed" in log


def test_a_job_that_exceeds_its_memory_is_oomkilled(running: Running) -> None:
    run = running.runs["memory"]
    assert run.wait() == "failed"
    log = run.log("hungry")
    assert "out of memory: the container was killed at its limit of 768Mi" in log
    assert "exit code 137" in log
    assert "Not killed" not in log


def test_a_missing_image_is_named_in_the_log(running: Running) -> None:
    run = running.runs["image"]
    assert run.wait() == "failed"
    log = run.log("imageless")
    assert "image not found: " in log
    assert "registry.example.com/nobody/has-this:1" in log


def test_a_deferred_job_has_its_log_and_output(running: Running) -> None:
    run = running.runs["deferred"]
    assert run.wait() == "success"
    tries = {task["task_id"]: task["try_number"] for task in running.api.tasks(run.dag_id, run.id)}
    assert "A line of the deferred pod." in run.log("deferred", tries["deferred"])
    assert run.output("deferred") == {"sum": 42}
    assert "The sum was 42." in run.log("reader")


def test_a_pod_with_a_sidecar_ends_with_its_job(running: Running) -> None:
    run = running.runs["many"]
    assert run.wait() == "success"
    found = run.output("many")
    assert found.pop("pod").startswith("checks-pod-many-")
    assert found == {
        "before": "init",
        "source": "overlay",
        "title": "nothing & nobody",
        "rows": 4,  # the value that the run was triggered with
        "parts": ["a", "b c"],
    }


def test_marking_a_job_as_failed_ends_its_process(running: Running) -> None:
    marker = uuid.uuid4().hex
    run = running.start("checks.killed", {"marker": marker})
    wait_for(lambda: processes(marker), 300, "the job's process")
    # The UI sends the same request.
    path = f"/dags/{run.dag_id}/dagRuns/{run.id}/taskInstances/endless"
    running.api.call("PATCH", path, {"new_state": "failed"})
    wait_for(lambda: not processes(marker), 300, "the end of the job's process")
    assert run.wait() == "failed"


def processes(marker: str) -> list[int]:
    """Return the processes of this machine with the marker in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARKER") == marker:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
