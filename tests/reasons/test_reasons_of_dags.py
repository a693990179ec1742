"""Why a pipeline or a run is in its state: from facts to sentences."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from dag_factory.reasons.facts import Dag, Failed, OpenTask, Run, Services
from dag_factory.reasons.of_dag import dag_reasons
from dag_factory.reasons.of_run import run_reasons
from dag_factory.reasons.reason import Link, Reason

NOW = datetime(2026, 11, 30, 21, 0, tzinfo=timezone.utc)
FILE = "configs/pipelines/growth/churn.yaml"


OOM = Failed("train", -1, "out of memory: killed at 2Gi", "Use a larger flavor.")
HOLDER = Link("load of ml.wine (1 slot)", "dags/ml.wine/runs/r/tasks/load/plugin/why-task")
FULL = OpenTask(
    "fit",
    2,
    Reason("pool-full", "waiting", "The pool `gpu` is full.", "Wait until one of the tasks ends.", (), (HOLDER,)),
)


def a_dag(**fields: Any) -> Dag:
    return Dag(**{"dag_id": "growth.churn", "now": NOW, "file": FILE, "schedule": "At 03:00", **fields})


DAGS: list[tuple[str, dict[str, Any], str, str]] = [
    ("paused", {"paused": True}, "paused", "The DAG is paused."),
    ("manual", {"schedule": ""}, "manual", "The pipeline has no schedule in this environment, so it runs only when"),
    (
        "manual-in-one-environment",
        {"schedule": "", "environment": "local"},
        "manual",
        "The pipeline has no schedule in the environment `local`, so it runs only when",
    ),
    (
        "schedule-removed",
        {"schedule": "", "environment": "local", "schedule_off": "environments.local.schedule"},
        "schedule-removed",
        "The pipeline has no schedule in the environment `local`: `environments.local.schedule: null` in"
        f" `{FILE}` removes it.",
    ),
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
    (
        "deleted",
        {"stale": True, "file_state": "deleted"},
        "deleted",
        f"No file defines `growth.churn` any more: `{FILE}` was deleted, renamed or moved.",
    ),
    (
        "gone",
        {"stale": True},
        "deleted",
        f"No file defines `growth.churn` any more: `{FILE}` was deleted, renamed or moved, or it has errors",
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
    (
        "failed",
        {"state": "failed", "failed": (OOM,)},
        "failed-task",
        "`train` failed: out of memory: killed at 2Gi.",
    ),
    (
        "failed-without-record",
        {"state": "failed", "failed": (Failed("train", 3),)},
        "failed-task",
        "`train [3]` failed, and no reason is recorded.",
    ),
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
    runs_now = OpenTask("load", -1, Reason("running", "info", "Try 1 has been running for 5s."))
    run = Run(dag=a_dag(), run_id="r1", state="running", open=(FULL, runs_now))
    waits, runs = run_reasons(run)
    assert waits.sentence == "`fit [2]`: The pool `gpu` is full."
    assert waits.what_to_do == "Wait until one of the tasks ends."
    path = "dags/growth.churn/runs/r1/tasks/fit/mapped/2/plugin/why-task"
    assert waits.links == (HOLDER, Link("fit [2]", path))
    assert [link.text for link in runs.links] == ["load: Try 1 has been running for 5s."]


def test_the_note_of_a_run_is_shown() -> None:
    run = Run(dag=a_dag(), run_id="r1", state="failed", note="Its file was deleted.")
    assert run_reasons(run)[-1].sentence == "Note of the run: Its file was deleted."


def test_a_run_says_of_each_failed_task_what_to_do() -> None:
    failed = tuple(Failed(f"job-{number}", -1, "exit code 1: it failed", "Read the log.") for number in range(7))
    *shown, more = run_reasons(Run(dag=a_dag(), run_id="r1", state="failed", failed=failed))
    assert [one.sentence for one in shown] == [f"`job-{number}` failed: exit code 1: it failed." for number in range(5)]
    assert {one.what_to_do for one in shown} == {"Read the log."}
    assert [link.path for link in shown[4].links] == ["dags/growth.churn/runs/r1/tasks/job-4/plugin/why-task"]
    assert more.sentence == "2 other tasks failed."
    assert [link.text for link in more.links] == [f"job-{number}: exit code 1: it failed" for number in (5, 6)]


def a_failed_run(**fields: Any) -> tuple[Dag, Run]:
    dag = a_dag(schedule="", last_run=("r1", "failed"))
    return dag, Run(**{"dag": dag, "run_id": "r1", "state": "failed", **fields})


def test_a_pipeline_says_why_its_last_run_failed_and_what_to_do() -> None:
    dag, run = a_failed_run(failed=(OOM, Failed("load"), Failed("send")))
    first = dag_reasons(dag, (run,))[0]
    assert first.sentence == "The last run failed. `train` failed: out of memory: killed at 2Gi."
    assert first.what_to_do == "Use a larger flavor."
    assert first.details == ("2 other tasks of this run failed.",)
    assert [link.path for link in first.links] == [
        "dags/growth.churn/runs/r1/tasks/train/plugin/why-task",
        "dags/growth.churn/runs/r1/plugin/why-run",
    ]


def test_a_pipeline_says_that_its_last_run_took_too_long_or_has_no_failed_task() -> None:
    times = {"started": NOW - timedelta(hours=3), "ended": NOW, "timeout": 7200}
    dag, run = a_failed_run(failed=(OOM,), **times)
    first = dag_reasons(dag, (run,))[0]
    assert first.sentence.startswith("The last run failed. The run took longer than its timeout of 2h")
    assert first.details == ("1 task of this run failed.",)
    dag, run = a_failed_run()
    assert dag_reasons(dag, (run,))[0].sentence == "The last run failed, but none of its tasks did."


def test_what_the_tasks_of_a_pipeline_wait_for_comes_before_its_schedule() -> None:
    dag = a_dag(schedule="", last_run=("r1", "running"), active_runs=("r1",))
    runs_now = OpenTask("load", -1, Reason("running", "info", "Try 1 has been running for 5s."))
    run = Run(dag=dag, run_id="r1", state="running", open=(FULL, runs_now))
    found = dag_reasons(dag, (run,))
    assert [one.kind for one in found] == ["open-task", "last-run"]
    assert found[0].sentence == "`fit [2]`: The pool `gpu` is full."
    assert found[0].what_to_do == "Wait until one of the tasks ends."
    assert [link.text for link in found[0].links] == ["load of ml.wine (1 slot)", "fit [2] of the run r1"]


def test_what_a_run_waits_for_comes_before_the_failure_of_a_later_run() -> None:
    dag, failed = a_failed_run(failed=(OOM,))
    active = Run(dag=dag, run_id="r0", state="running", open=(FULL,))
    assert [one.kind for one in dag_reasons(dag, (active, failed))] == ["open-task", "last-run-failed"]


def test_a_pipeline_that_is_paused_says_so_before_what_its_tasks_wait_for() -> None:
    dag = a_dag(paused=True, last_run=("r1", "running"))
    run = Run(dag=dag, run_id="r1", state="running", open=(FULL,))
    assert [one.kind for one in dag_reasons(dag, (run,))][:2] == ["paused", "open-task"]


def test_a_deleted_pipeline_says_why_its_last_run_failed_and_to_clear_it() -> None:
    dag = a_dag(stale=True, file_state="deleted", last_run=("r1", "failed"))
    deleted = Failed("load", -1, f"not started: the file `{FILE}` was deleted", "Restore it, then clear the task.")
    run = Run(dag=dag, run_id="r1", state="failed", failed=(deleted,))
    first, last = dag_reasons(dag, (run,))
    assert first.what_to_do.startswith("If this was not intended, restore the file, then clear the failed tasks.")
    assert last.sentence == f"The last run failed. `load` failed: not started: the file `{FILE}` was deleted."


def test_a_failed_run_of_a_deleted_pipeline_says_the_reason_once() -> None:
    dag = a_dag(deleted="its file was deleted")
    failed = Failed("load", -1, "not started: the file was deleted", "Restore it.")
    run = Run(dag=dag, run_id="r1", state="failed", failed=(failed,))
    assert [one.kind for one in run_reasons(run)] == ["failed-task"]
    bare = Run(dag=dag, run_id="r1", state="failed", failed=(Failed("load"),))
    assert [one.kind for one in run_reasons(bare)] == ["deleted", "failed-task"]
