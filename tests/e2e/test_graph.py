"""The graph of a run as a real scheduler walks it: cells, instances, what is skipped, taken down, started after."""

from __future__ import annotations

import re

from real_stack import Run, Running, eventually


def test_cells_instances_and_skips(running: Running) -> None:
    run = running.begun["graph"]
    assert run.end(240) == "success"
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


def test_what_was_set_up_is_taken_down_though_its_user_failed(running: Running) -> None:
    run = running.begun["teardown"]
    state = run.end()
    assert run.jobs() == {"create": "success", "use": "failed", "delete": "success"}
    assert state == "failed"
    assert "Taken down." in run.log("delete")


def test_an_updated_asset_starts_the_pipeline_that_waits_for_it(running: Running) -> None:
    assert running.begun["graph"].end(240) == "success"

    def look() -> str | None:
        runs = running.api.call("GET", "/dags/checks.updated/dagRuns")["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs else None

    run = Run(running, "checks.updated", eventually(look, 300, "the run that the asset starts"))
    assert run.id.startswith("asset_triggered__")
    assert run.end() == "success"
    assert re.search(r"The day is \d{4}-\d\d-\d\d\.", run.log("main"))
