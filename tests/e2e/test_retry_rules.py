"""Retry rules with a real scheduler: larger flavors after out-of-memory, evictions, and failures that are final."""

from __future__ import annotations

from typing import Any

import pytest
from real_stack import Run, Running, wait_for

NEXT = "Next try: cpu-medium (0.5 CPU, 1Gi) in 1 s (rule climb, entry 1)"
RAISED = "This try uses the flavor cpu-medium (0.5 CPU, 1Gi, 0.21 per hour) instead of cpu-small"


def flavors(run: Run, job: str, index: int = -1) -> list[str]:
    """The flavor of each try, as Airflow's UI shows it after the run."""
    path = f"/dags/{run.dag_id}/dagRuns/{run.id}/taskInstances/{job}/xcomEntries/tries"
    value = run.running.api.call("GET", path, deserialize="true", map_index=index)["value"]
    return [one["flavor"] for one in value]


def task(run: Run, job: str, index: int = -1) -> dict[str, Any]:
    found = run.running.api.tasks(run.dag_id, run.id)
    return next(one for one in found if one["task_id"] == job and one["map_index"] == index)


@pytest.fixture(scope="module")
def climbs(running: Running) -> Run:
    """A run whose pods are ended once or twice each."""
    run = running.runs["climbs"]
    run.wait()
    return run


def test_each_pod_has_the_flavor_of_its_try_as_a_label(climbs: Run) -> None:
    assert climbs.running.recording.flavors[climbs.dag_id] == {"cpu-small", "cpu-medium"}


def test_out_of_memory_uses_the_larger_flavor(climbs: Run) -> None:
    assert (task(climbs, "hungry")["state"], task(climbs, "hungry")["try_number"]) == ("success", 2)
    assert flavors(climbs, "hungry") == ["cpu-small", "cpu-medium"]
    assert NEXT in climbs.log("hungry", 1)
    assert RAISED in climbs.log("hungry", 2)
    assert "Traceback" not in climbs.log("hungry", 1)


@pytest.mark.parametrize("job", ["unlucky", "deferred"])
def test_an_eviction_keeps_the_larger_flavor_and_uses_no_retry(climbs: Run, job: str) -> None:
    assert (task(climbs, job)["state"], task(climbs, job)["try_number"]) == ("success", 2)
    assert flavors(climbs, job) == ["cpu-small", "cpu-medium", "cpu-medium"]
    assert NEXT in climbs.log(job, 1)
    log = climbs.log(job, 2)
    assert "Next try: cpu-medium (0.5 CPU, 1Gi) again in 10 s, without using a retry (rule climb, entry 2)" in log
    assert RAISED in log


def test_a_job_without_retries_is_repeated_after_an_eviction(climbs: Run) -> None:
    assert (task(climbs, "evicted")["state"], task(climbs, "evicted")["try_number"]) == ("success", 1)
    assert flavors(climbs, "evicted") == ["cpu-small", "cpu-small"]


def test_mapped_instances_climb_one_by_one(climbs: Run) -> None:
    """The first pod of the two instances runs out of memory. The second one is evicted, usually of the other one."""
    found = sorted(flavors(climbs, "instances", index) for index in (0, 1))
    small, medium = "cpu-small", "cpu-medium"
    assert found in ([[small, medium], [small, small]], [[small], [small, medium, medium]])
    ended = [task(climbs, "instances", index) for index in (0, 1)]
    assert sorted((one["state"], one["try_number"]) for one in ended) == [("success", 1), ("success", 2)]


def test_a_usage_error_is_not_repeated(climbs: Run) -> None:
    assert (task(climbs, "usage")["state"], task(climbs, "usage")["try_number"]) == ("failed", 1)
    assert "No further try (rule climb, entry 3)." in climbs.log("usage")


def test_a_cleared_job_starts_with_its_own_flavor(climbs: Run) -> None:
    body = {"dag_run_id": climbs.id, "task_ids": ["hungry"], "dry_run": False, "only_failed": False}
    climbs.running.api.call("POST", f"/dags/{climbs.dag_id}/clearTaskInstances", body)
    wait_for(
        lambda: task(climbs, "hungry")["try_number"] == 3 and task(climbs, "hungry")["state"] == "success", 600, ""
    )
    assert flavors(climbs, "hungry") == ["cpu-small"]
    assert RAISED not in climbs.log("hungry", 3)


def test_a_job_that_is_cleared_while_it_runs_starts_with_its_own_flavor(running: Running) -> None:
    running.claim("cleared")
    running.fault("oom", "retries.cleared", "waits")
    run = running.start("retries.cleared")

    def is_raised() -> bool:
        found = task(run, "waits")
        return (found["state"], found["try_number"]) == ("running", 2) and RAISED in run.log("waits", 2)

    wait_for(is_raised, 600, "the second try")
    body = {"dag_run_id": run.id, "task_ids": ["waits"], "dry_run": False, "only_failed": False}
    running.api.call("POST", f"/dags/{run.dag_id}/clearTaskInstances", body)
    wait_for(lambda: task(run, "waits")["try_number"] == 3, 300, "the third try")
    (running.claim("cleared") / "go").touch()
    assert run.wait() == "success"
    assert task(run, "waits")["try_number"] == 3
    assert flavors(run, "waits") == ["cpu-small"]


def test_repeated_climbs_give_the_edit_of_the_file(running: Running) -> None:
    (running.claim("cleared") / "go").touch()
    running.api.wait_for_dag("retries.cleared", 300)
    running.api.call("PATCH", "/dags/retries.cleared", {"is_paused": False})
    for day in (1, 2):
        running.fault("oom", "retries.cleared", "waits")
        body = {"logical_date": f"2026-03-0{day}T00:00:00Z", "conf": {}}
        made = running.api.call("POST", "/dags/retries.cleared/dagRuns", body)
        run = Run(running, "retries.cleared", str(made["dag_run_id"]))
        assert run.wait() == "success"
    edit = "2 of the last 2 runs of waits needed cpu-medium: write resource_flavor: cpu-medium"
    edit += " (configs/pipelines/retries/cleared.yaml:6)."
    assert edit in run.log("waits", 1)
    assert edit in run.log("waits", 2)
