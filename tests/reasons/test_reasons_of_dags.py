"""Why a pipeline or a run is in its state: from facts to sentences."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dag_factory.reasons.facts import Dag, Failed, OpenTask, Run, Services
from dag_factory.reasons.of_dag import dag_reasons
from dag_factory.reasons.of_run import run_reasons

NOW = datetime(2026, 11, 30, 21, 0, tzinfo=timezone.utc)
FILE = "configs/pipelines/growth/churn.yaml"


def a_dag(**fields: Any) -> Dag:
    return Dag(**{"dag_id": "growth.churn", "now": NOW, "file": FILE, "schedule": "At 03:00", **fields})


DAGS: list[tuple[str, dict[str, Any], str, str]] = [
    ("paused", {"paused": True}, "paused", "The DAG is paused."),
    ("manual", {"schedule": ""}, "manual", "The pipeline has no schedule"),
    (
        "schedule-off",
        {"off_in": "configs/platform/environments/dev.yaml"},
        "schedule-off",
        "Schedules are off in this environment: `configs/platform/environments/dev.yaml` has `schedules: manual`.",
    ),
    (
        "next-run",
        {"next_run": NOW + timedelta(hours=6)},
        "next-run",
        "The next run starts at 2026-12-01 03:00:00 UTC, in 6h (schedule: At 03:00).",
    ),
    ("no-next-run", {}, "no-next-run", "The schedule (At 03:00) has no next run"),
    (
        "run-limit",
        {"active_runs": ("a", "b"), "max_active_runs": 2},
        "run-limit",
        "The limit of active runs is reached: 2 of 2",
    ),
    (
        "assets",
        {"waits_for": (("orders", False), ("prices", True))},
        "waits-for-assets",
        "The next run starts after updates of assets. Since the last run there is no update of `orders`.",
    ),
    ("failed", {"last_run": ("r1", "failed"), "schedule": ""}, "last-run-failed", "The last run failed."),
    ("stopped", {"stopped": ("the image is not allowed",)}, "stopped", "The pipeline is stopped"),
    (
        "last-good",
        {"last_good": ("x.yaml:3:1: unknown key",)},
        "last-good",
        f"The file `{FILE}` has errors, so Airflow",
    ),
    ("no-scheduler", {"services": Services(("scheduler",))}, "no-scheduler", "Airflow's scheduler does not run."),
    ("deleted", {"stale": True, "file_state": "deleted"}, "deleted", "No file defines `growth.churn` any more"),
    (
        "gone",
        {"stale": True},
        "deleted",
        "No file defines `growth.churn` any more: the file was deleted, renamed or moved, or it has errors",
    ),
    (
        "lost",
        {"stale": True, "file_state": "broken", "problems": ("x",)},
        "lost",
        f"The file `{FILE}` has errors, and there is no last good version, so the DAG is gone.",
    ),
    (
        "elsewhere",
        {"stale": True, "file_state": "elsewhere", "only": ("prod",), "environment": "dev"},
        "not-in-environment",
        f"`growth.churn` is no longer in this environment: `only` in `{FILE}` leaves out the environment `dev`."
        " It is only for `prod`.",
    ),
    ("not-read", {"stale": True, "file_state": "running"}, "not-read", f"The file `{FILE}` defines this DAG, but"),
    (
        "never-valid",
        {"known": False, "file_state": "broken"},
        "never-valid",
        f"Airflow has no DAG `growth.churn`: its file `{FILE}` has errors",
    ),
    ("unknown", {"known": False}, "unknown-dag", "Airflow has no DAG `growth.churn`, and it has no history of one."),
]


@pytest.mark.parametrize("facts, kind, sentence", [case[1:] for case in DAGS], ids=[case[0] for case in DAGS])
def test_the_first_reason_of_a_pipeline(facts: dict[str, Any], kind: str, sentence: str) -> None:
    first = dag_reasons(a_dag(**facts))[0]
    assert first.kind == kind
    assert first.sentence.startswith(sentence)


RUNS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "later",
        {"state": "queued", "run_after": NOW + timedelta(hours=1)},
        "later",
        "The run starts at 2026-11-30 22:00",
    ),
    (
        "limit",
        {"state": "queued", "dag": a_dag(active_runs=("a",), max_active_runs=1)},
        "run-limit",
        "The limit of active runs is reached: 1 of 1 (`max_active_runs`).",
    ),
    ("paused", {"state": "queued", "dag": a_dag(paused=True)}, "paused", "The DAG is paused"),
    ("file-gone", {"state": "running", "dag": a_dag(stale=True)}, "file-gone", "No file defines this DAG any more"),
    (
        "running",
        {"state": "running", "started": NOW - timedelta(minutes=3), "timeout": 7200, "unfinished": 2},
        "running",
        "The run has been running for 3m. Its timeout is 2h. 2 tasks not finished.",
    ),
    (
        "timeout",
        {"state": "failed", "started": NOW - timedelta(hours=3), "ended": NOW - timedelta(minutes=30), "timeout": 7200},
        "run-timeout",
        "The run took longer than its timeout of 2h, so Airflow ended it.",
    ),
    ("failed", {"state": "failed", "failed": (Failed("train", -1, "x"),)}, "failed-tasks", "1 task failed."),
    ("marked", {"state": "failed"}, "failed", "The run failed, but none of its tasks did."),
    ("success", {"state": "success"}, "success", "The run succeeded."),
]


@pytest.mark.parametrize("facts, kind, sentence", [case[1:] for case in RUNS], ids=[case[0] for case in RUNS])
def test_the_first_reason_of_a_run(facts: dict[str, Any], kind: str, sentence: str) -> None:
    first = run_reasons(Run(**{"dag": a_dag(), "run_id": "r1", **facts}))[0]
    assert first.kind == kind
    assert first.sentence.startswith(sentence)


def test_each_reason_to_act_says_what_to_do() -> None:
    found = [one for case in DAGS for one in dag_reasons(a_dag(**case[1]))]
    found += [one for case in RUNS for one in run_reasons(Run(**{"dag": a_dag(), "run_id": "r1", **case[1]}))]
    assert [one.kind for one in found if one.tone == "failed" and not one.what_to_do] == []


def test_a_run_says_what_each_open_task_waits_for() -> None:
    run = Run(dag=a_dag(), run_id="r1", state="running", open=(OpenTask("train", 2, "The pool `gpu` is full."),))
    (link,) = run_reasons(run)[0].links
    assert (link.text, link.path) == (
        "train [2]: The pool `gpu` is full.",
        "dags/growth.churn/runs/r1/tasks/train/mapped/2",
    )


def test_the_note_of_a_run_is_shown() -> None:
    run = Run(dag=a_dag(), run_id="r1", state="failed", note="Its file was deleted.")
    assert run_reasons(run)[-1].sentence == "Note of the run: Its file was deleted."
