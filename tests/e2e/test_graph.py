"""The graph of a run with a real scheduler: matrix, `for_each`, skipped jobs, teardowns, asset schedules."""

from __future__ import annotations

import re

from real_stack import Run, Running, wait_for


def test_matrix_cells_mapped_jobs_and_skipped_jobs(running: Running) -> None:
    run = running.runs["graph"]
    assert run.wait() == "success"
    tasks = running.api.tasks(run.dag_id, run.id)
    states = {(task["task_id"], task["map_index"]): task["state"] for task in tasks}
    skipped = {task for task, state in states.items() if state == "skipped"}
    assert skipped == {("left_out", -1), ("nothing_to_do", -1)}
    assert {task for task, state in states.items() if state == "success"} == {
        *((name, -1) for name in ("create", "countries", "train-1", "train-2", "train-3", "all", "delete")),
        ("each", 0),
        ("each", 1),
    }
    labels = [task["rendered_map_index"] for task in tasks if task["task_id"] == "each"]
    assert sorted(labels) == ["DE", '{"code": "FR"}']
    log = run.log("all")
    assert "Cells: 1+2+3." in log
    assert 'Items: ["DE", {"code": "FR"}].' in log
    assert run.output("train-3") == {"depth": 3, "seed": 4}


def test_a_teardown_runs_although_a_job_before_it_failed(running: Running) -> None:
    run = running.runs["teardown"]
    state = run.wait()
    assert run.jobs() == {"create": "success", "use": "failed", "delete": "success"}
    assert state == "failed"
    assert "Taken down." in run.log("delete")


def test_an_updated_asset_starts_the_pipeline_that_is_scheduled_on_it(running: Running) -> None:
    assert running.runs["graph"].wait() == "success"

    def run_id() -> str | None:
        runs = running.api.call("GET", "/dags/checks.updated/dagRuns")["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs else None

    run = Run(running, "checks.updated", wait_for(run_id, 300, "the run that the asset starts"))
    assert run.id.startswith("asset_triggered__")
    assert run.wait() == "success"
    assert re.search(r"The day is \d{4}-\d\d-\d\d\.", run.log("main"))
