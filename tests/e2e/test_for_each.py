"""Jobs and groups that run for each item of a list, with a real scheduler."""

from __future__ import annotations

import json
from typing import Any

from real_stack import MODELS, Run, Running


def states(run: Run) -> dict[tuple[str, int], str]:
    tasks = run.running.api.tasks(run.dag_id, run.id)
    return {(task["task_id"], task["map_index"]): str(task["state"]) for task in tasks}


def labels(run: Run, job: str) -> list[Any]:
    tasks = [task for task in run.running.api.tasks(run.dag_id, run.id) if task["task_id"] == job]
    return [task["rendered_map_index"] for task in sorted(tasks, key=lambda task: int(task["map_index"]))]


def test_lists_of_a_param_and_of_an_output_and_a_group_for_each_item(running: Running) -> None:
    run = running.runs["for_each"]
    run.wait()
    found = states(run)
    for task in ("setup", "train.items", "regrid.items", "all"):
        assert found[task, -1] == "success"
    # One item fails: its chain stops, the others continue.
    assert [found["compute", index] for index in range(3)] == ["success", "failed", "success"]
    assert [found["store", index] for index in range(3)] == ["success", "upstream_failed", "success"]
    assert [found["train", index] for index in range(2)] == ["success", "success"]
    assert [found["count", index] for index in range(2)] == ["success", "success"]
    assert labels(run, "train") == ["a tree", "dense"]
    assert labels(run, "store") == ["folder first", "1", "folder $(FOLDER) $$"]
    log = run.log("all")
    trained = [[model["url"], model] for model in MODELS]
    assert f"Trained: {json.dumps(trained)}" in log
    assert 'Stored: [["first", "first"], ["$(FOLDER) $$", "$(FOLDER) $$"]]' in log
    assert "Counted: [2, 3]" in log
