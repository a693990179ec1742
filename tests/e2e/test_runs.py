"""Runs through a real scheduler: what becomes of a job's output, its log, its failure, its end from outside."""

from __future__ import annotations

import uuid

import psutil
from real_stack import Running, eventually


def test_a_jobs_log_can_be_read_while_it_runs(running: Running) -> None:
    run = running.begun["streams"]
    eventually(lambda: run.jobs() == {"streams": "running"} and "Said while it runs." in run.log("streams"), 300, "it")
    assert run.jobs() == {"streams": "running"}
    (running.claim("streams") / "go").touch()
    assert run.end() == "success"
    assert "Said at the end." in run.log("streams")
    assert "Could not read served logs" not in run.log("streams")


def test_a_failing_job_is_tried_again_and_its_log_names_the_exit_code(running: Running) -> None:
    run = running.begun["fails"]
    assert run.end() == "failed"
    [task] = running.api.tasks(run.dag_id, run.id)
    assert (task["state"], task["try_number"]) == ("failed", 2)
    for attempt in (1, 2):
        log = run.log("fails", attempt)
        assert f"This is try {attempt}." in log
        assert "The table is gone." in log
        assert "exit_code=3" in log


def test_a_job_over_its_memory_is_called_oomkilled(running: Running) -> None:
    run = running.begun["memory"]
    assert run.end() == "failed"
    log = run.log("hungry")
    assert "reason='OOMKilled'" in log
    assert "exit_code=137" in log
    assert "Not killed" not in log


def test_an_image_that_nobody_has_fails_with_its_name(running: Running) -> None:
    run = running.begun["image"]
    assert run.end() == "failed"
    log = run.log("imageless")
    assert "ErrImagePull" in log
    assert "registry.example.com/nobody/has-this:1: not found" in log


def test_a_deferred_jobs_lines_and_output_arrive(running: Running) -> None:
    run = running.begun["deferred"]
    assert run.end() == "success"
    tries = {task["task_id"]: task["try_number"] for task in running.api.tasks(run.dag_id, run.id)}
    assert "A line of the deferred pod." in run.log("deferred", tries["deferred"])
    assert run.output("deferred") == {"sum": 42}
    assert "The sum was 42." in run.log("reader")


def test_a_pod_of_several_containers_ends_with_its_job(running: Running) -> None:
    run = running.begun["many"]
    assert run.end() == "success"
    found = run.output("many")
    assert found.pop("pod").startswith("checks-pod-many-")
    assert found == {
        "before": "init",
        "said": "overlay",
        "title": "nothing & nobody",
        "rows": 4,  # as the run was started with
        "parts": ["a", "b c"],
    }


def test_marked_as_failed_means_that_its_process_ends(running: Running) -> None:
    marker = uuid.uuid4().hex
    run = running.begin("checks.killed", {"marker": marker})
    eventually(lambda: processes(marker), 300, "the job's process")
    # As the UI does it.
    path = f"/dags/{run.dag_id}/dagRuns/{run.id}/taskInstances/endless"
    running.api.call("PATCH", path, {"new_state": "failed"})
    eventually(lambda: not processes(marker), 300, "the end of the job's process")
    assert run.end() == "failed"


def processes(marker: str) -> list[int]:
    """The processes of this machine that carry the marker in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARKER") == marker:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
