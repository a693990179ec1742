"""A job that fails: its log ends with the reason, without a stack trace, and no pod is left."""

from __future__ import annotations

from typing import Any

import pytest
from real_stack import Run, Running, wait_for

SYNC = {
    "memory": "out of memory: the container was killed at its limit of 768Mi (flavor cpu-small",
    "exit-code": "exit code 3: the container failed after ",
    "image": "image not found: ",
    "secret": "configuration: secret `nowhere` does not exist",
    "nodes": "unschedulable: no node fits the pod: 0/1 nodes are available: 1 node(s) didn't match",
    "timeout": "timeout: the job ran longer than its timeout of 15s",
    "output": "output invalid: /airflow/xcom/return.json is not valid JSON: line 1, column 2",
    "template": "configuration: `{{ output('output').rows }}` cannot be rendered: output('output')",
    "grouped": "exit code 9: the container failed after ",
}
DEFERRED = {name: SYNC[name] for name in ("memory", "exit-code", "image", "nodes")} | {
    "timeout": "timeout: the job ran longer than its timeout of 20s"
}
CASES = [("reasons", job) for job in SYNC] + [("deferred", job) for job in DEFERRED]


def entries(run: Run, job: str, attempt: int = 1, index: int = -1) -> list[dict[str, Any]]:
    """Return the lines of a log, without those that only name the log's files."""
    path = f"/dags/{run.dag_id}/dagRuns/{run.id}/taskInstances/{job}/logs/{attempt}"
    content = run.running.api.call("GET", path, full_content="true", map_index=index)["content"]
    return [line for line in content if line.get("level") or line["event"].startswith("::")]


def verdict(lines: list[dict[str, Any]]) -> str:
    """Return the last error that is not Airflow's own mark."""
    errors = [line["event"] for line in lines if line.get("level") == "error" and line["event"] != "Task exited"]
    return errors[-1]


def open_groups(lines: list[dict[str, Any]], event: str) -> int:
    """Return how many groups of the log are open at a line. Airflow's UI hides what is in a group."""
    depth = 0
    for line in lines:
        if line["event"] == event:
            return depth
        if "::group::" in line["event"]:
            depth += 1
        elif "::endgroup::" in line["event"]:
            depth = max(0, depth - 1)
    raise AssertionError(event)


@pytest.fixture(scope="module")
def runs(running: Running) -> dict[str, Run]:
    return {name: running.runs[f"failures-{name}"] for name in ("reasons", "deferred", "retried")}


@pytest.mark.parametrize(("dag", "job"), CASES)
def test_the_log_ends_with_the_verdict(runs: dict[str, Run], dag: str, job: str) -> None:
    run = runs[dag]
    assert run.wait() == "failed"
    assert run.jobs()[job] == "failed"
    lines = entries(run, job)
    reason = verdict(lines)
    assert reason.startswith((SYNC if dag == "reasons" else DEFERRED)[job])
    assert open_groups(lines, reason) == 0
    assert "::group::" not in reason
    after = [line["event"] for line in lines[[line["event"] for line in lines].index(reason) + 1 :]]
    assert after[0] == "Task exited"
    assert not [line["event"] for line in lines if line.get("error_detail")]
    for noise in ("Traceback", "HTTP response headers", "Pod Event", "returned a failure", "Trigger emitted"):
        assert noise not in run.log(job)
    wait_for(lambda: not run.running.pods(run, job), 300, "the end of the pod")


@pytest.mark.parametrize(("dag", "job"), [("reasons", "nodes"), ("deferred", "nodes"), ("reasons", "image")])
def test_the_log_says_what_a_pod_waits_for(runs: dict[str, Run], dag: str, job: str) -> None:
    run = runs[dag]
    wait_for(lambda: "waiting " in run.log(job), 300, "the reason of the wait")
    lines = entries(run, job)
    line = next(line["event"] for line in lines if line["event"].startswith("waiting "))
    assert (" for a node: 0/1 nodes are available" if job == "nodes" else " for the image: ") in line
    assert open_groups(lines, line) == 0


def test_the_last_lines_of_the_container_are_above_the_verdict(runs: dict[str, Run]) -> None:
    for dag in ("reasons", "deferred"):
        runs[dag].wait()
        events = [line["event"] for line in entries(runs[dag], "exit-code")]
        assert any("The table is gone." in event for event in events[-8:]), events


def test_an_instance_of_a_mapped_job_has_its_own_verdict(runs: dict[str, Run]) -> None:
    run = runs["reasons"]
    run.wait()
    assert verdict(entries(run, "each", index=1)).startswith("exit code 7: the container failed")
    assert run.log("each", index=0)
    records = run.running.api.call(
        "GET", f"/dags/{run.dag_id}/dagRuns/{run.id}/taskInstances/each/xcomEntries/tries", map_index=0
    )
    [record] = records["value"]
    assert "kind" not in record
    assert record["flavor"] == "cpu-small"


def test_the_retry_rule_decides_after_the_verdict(runs: dict[str, Run]) -> None:
    run = runs["retried"]
    assert run.wait() == "failed"
    tries = {task["task_id"]: task["try_number"] for task in run.running.api.tasks(run.dag_id, run.id)}
    assert tries == {"again": 2, "never-again": 1, "deferred": 1}
    assert "Next try in 1 s" in verdict(entries(run, "again"))
    assert "all retries are used" in verdict(entries(run, "again", 2)) or "only retry" in verdict(
        entries(run, "again", 2)
    )
    assert "No further try (entry 1)" in verdict(entries(run, "never-again"))
    records = run.running.api.call("GET", f"/dags/{run.dag_id}/dagRuns/{run.id}/taskInstances/again/xcomEntries/tries")
    assert [one["number"] for one in records["value"]] == [1, 2]
    assert {one["kind"] for one in records["value"]} == {"exit-code"}
