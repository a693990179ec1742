"""Why a task waits, did not run, or failed: from facts to sentences."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from dag_factory.reasons.facts import Dag, Failed, Holder, Mapped, PodWait, Pool, Run, Services, Task, Upstream
from dag_factory.reasons.of_task import mapped_reasons, task_reasons
from dag_factory.reasons.phrases import split_evidence
from dag_factory.reasons.reason import Reason
from dag_factory.verdicts.history import TryRecord

WAITED = timedelta(minutes=2, seconds=10)
NOW = datetime(2026, 11, 30, 21, 0, tzinfo=timezone.utc)
DAG = Dag(dag_id="growth.churn", now=NOW)
RUN = Run(dag=DAG, run_id="r1", state="running", started=NOW - timedelta(minutes=10))


def reasons(run: Run = RUN, **fields: Any) -> tuple[Reason, ...]:
    return task_reasons(Task(**{"run": run, "task_id": "train", **fields}))


def a_run(state: str = "running", **dag: Any) -> Run:
    return Run(dag=Dag(**{"dag_id": "growth.churn", "now": NOW, **dag}), run_id="r1", state=state)


FULL = Pool(name="gpu", slots=2, used=2, holders=(Holder("ml.wine", "r", "fit", -1, 2),))
OOM = TryRecord(number=1, flavor="cpu-small", kind="out-of-memory", sentence="out of memory: killed at 2Gi")

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "pool-full",
        {"state": "scheduled", "pool": FULL},
        "pool-full",
        "The pool `gpu` is full: 2 of 2 slots in use. This task needs 1.",
    ),
    (
        "pool-nearly-full",
        {"state": "scheduled", "pool": Pool(name="gpu", slots=4, used=3), "pool_slots": 2},
        "pool-full",
        "The pool `gpu` has 1 of 4 slots free. This task needs 2.",
    ),
    (
        "no-pool",
        {"state": "scheduled", "pool": Pool(name="gpu", slots=None)},
        "no-pool",
        "The pool `gpu` does not exist, so the task never starts.",
    ),
    (
        "pool-too-small",
        {"state": "scheduled", "pool": Pool(name="gpu", slots=2), "pool_slots": 4},
        "pool-too-small",
        "The pool `gpu` has 2 slots, fewer than the 4 that this task needs, so it never starts.",
    ),
    (
        "endless-pool",
        {"state": "scheduled", "pool": Pool(name="all", slots=-1, used=99), "since": NOW - timedelta(seconds=5)},
        "scheduled",
        "The task has been ready for 5s. The scheduler starts it in a moment.",
    ),
    (
        "job-limit",
        {"state": "scheduled", "active_jobs": 4, "max_active_jobs": 4},
        "job-limit",
        "4 of at most 4 jobs of this run are active (`max_active_jobs`).",
    ),
    (
        "mapped-task-limit",
        {"state": "scheduled", "active_instances": 2, "max_instances": 2},
        "mapped-task-limit",
        "2 of at most 2 mapped tasks of this job are active (`max_parallel`).",
    ),
    (
        "no-worker",
        {"state": "scheduled", "busy_workers": 8, "parallelism": 8},
        "no-worker",
        "Airflow runs 8 of at most 8 tasks at the same time.",
    ),
    (
        "paused",
        {"state": "scheduled", "run": a_run(paused=True)},
        "paused",
        "The DAG is paused, so Airflow starts none of its tasks.",
    ),
    (
        "no-scheduler",
        {"state": "scheduled", "run": a_run(services=Services(("scheduler",), {}))},
        "no-scheduler",
        "Airflow's scheduler does not run. No run and no task starts.",
    ),
    (
        "file-gone",
        {"run": a_run(stale=True)},
        "file-gone",
        "No file defines this DAG any more, so none of its tasks starts.",
    ),
    (
        "run-queued",
        {"run": a_run("queued", active_runs=("r0",), max_active_runs=1)},
        "run-limit",
        "The limit of active runs is reached: 1 of 1 (`max_active_runs`). The next run waits.",
    ),
    (
        "upstream",
        {"upstream": (Upstream("a", "running"), Upstream("b", ""), Upstream("c", "success"))},
        "waits-for-upstream",
        "The task waits until `a` and `b` have ended.",
    ),
    (
        "previous-run",
        {"waits_for_previous_run": True},
        "waits-for-previous-run",
        "The task waits for the same task of the run before (`depends_on_past`), which has not succeeded.",
    ),
    ("run-ended", {"run": a_run("failed")}, "run-ended", "The run ended before this task started."),
    (
        "upstream-failed",
        {"state": "upstream_failed", "failed_upstream": (Failed("extract", -1, "timeout: too long"),)},
        "upstream-failed",
        "The task did not run, because `extract` failed.",
    ),
    (
        "upstream-repaired",
        {"state": "upstream_failed"},
        "upstream-failed",
        "The task did not run, because a task before it failed. That task was cleared or has succeeded since.",
    ),
    (
        "condition",
        {"state": "skipped", "try_number": 1},
        "condition-false",
        "The task was skipped: its condition `when` was false in this run, or somebody marked it as skipped.",
    ),
    (
        "upstream-skipped",
        {"state": "skipped", "upstream": (Upstream("check", "skipped"),)},
        "upstream-skipped",
        "The task was skipped, because `check` before it was skipped.",
    ),
    (
        "failed",
        {"state": "failed", "tries": (OOM,)},
        "out-of-memory",
        "Out of memory: killed at 2Gi.",
    ),
    ("failed-without-record", {"state": "failed"}, "failed", "The task failed, and no reason is recorded."),
    (
        "failed-because-deleted",
        {"state": "failed", "run": a_run("failed", deleted="its file was deleted")},
        "deleted",
        "The pipeline is deleted: its file was deleted. Jobs that run now continue,",
    ),
    (
        "failed-because-stopped",
        {"state": "failed", "run": a_run("failed", stopped=("the image is not allowed",))},
        "stopped",
        "The pipeline is stopped: its last good version breaks current rules of the platform, so each task fails.",
    ),
    (
        "retry",
        {"state": "up_for_retry", "retry_at": NOW + timedelta(seconds=30), "tries": (OOM,)},
        "next-try",
        "Try 1 failed: out of memory: killed at 2Gi. The next try starts at 2026-11-30 21:00:30 UTC, in 30s.",
    ),
    ("removed", {"state": "removed"}, "removed", "The current version of the pipeline does not have this task,"),
    ("success", {"state": "success", "try_number": 2}, "success", "The task succeeded at try 2."),
    (
        "running",
        {"state": "running", "try_number": 1, "since": NOW - timedelta(hours=2)},
        "running",
        "Try 1 has been running for 2h.",
    ),
    (
        "pod-waits",
        {"state": "running", "try_number": 2, "wait": PodWait("a node: 0/5 nodes are available", NOW - WAITED)},
        "pod-waits",
        "The pod of try 2 has been waiting for 2m10s, for a node: 0/5 nodes are available.",
    ),
    ("awaits", {"state": "awaiting_input"}, "state", "The task is in the state awaiting_input."),
]


@pytest.mark.parametrize("facts, kind, sentence", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_first_reason_of_a_task(facts: dict[str, Any], kind: str, sentence: str) -> None:
    first = reasons(**facts)[0]
    assert first.kind == kind
    assert first.sentence.startswith(sentence)


def test_each_reason_to_act_says_what_to_do() -> None:
    found = [one for case in CASES for one in reasons(**case[1]) if one.tone == "failed"]
    assert found and all(one.what_to_do for one in found)


def test_a_full_pool_links_to_the_tasks_that_use_it_unless_the_reader_may_not_view_them() -> None:
    hidden = Holder("", "", "", -1, 1)
    pool = Pool(name="gpu", slots=2, used=2, holders=(Holder("ml.wine", "r+1", "fit", 3, 1), hidden))
    reason = reasons(state="scheduled", pool=pool)[0]
    assert [one.path for one in reason.links] == ["dags/ml.wine/runs/r+1/tasks/fit/mapped/3/plugin/why-task"]
    assert reason.links[0].text == "fit [3] of ml.wine (1 slot)"
    assert reason.details == ("1 of them are tasks of DAGs that you may not view",)


def test_between_two_tries_a_task_says_why_the_last_one_failed_and_what_follows() -> None:
    last = msgspec.structs.replace(OOM, what_to_do="Use less.", next_try="Next try: cpu-medium in 30 s.")
    [found] = reasons(state="up_for_retry", tries=(last,))
    assert found.sentence == "Try 1 failed: out of memory: killed at 2Gi. The next try starts in a moment."
    assert found.what_to_do == "Next try: cpu-medium in 30 s."


def test_a_pod_that_waits_is_not_said_to_run_and_says_when_the_try_fails() -> None:
    wait = PodWait("the image: the registry has no image `x:1`", None, "The try fails after 20s of waiting.")
    [found] = reasons(state="deferred", try_number=1, wait=wait)
    assert found.sentence == ("The pod of try 1 has been waiting for the image: the registry has no image `x:1`.")
    assert found.what_to_do == "The try fails after 20s of waiting."


def test_a_running_task_of_a_deleted_pipeline_says_that_it_is_deleted() -> None:
    found = reasons(run=a_run(deleted="its file was deleted"), state="running", try_number=1)
    assert [one.kind for one in found] == ["running", "deleted"]


def test_a_failed_task_before_it_is_linked_with_its_verdict() -> None:
    causes = (Failed("extract", -1, "timeout: too long"), Failed("load", 2))
    links = reasons(state="upstream_failed", failed_upstream=causes)[0].links
    assert [one.text for one in links] == [
        "extract: timeout: too long",
        "load [2]: its record has no reason; read its log",
    ]


def test_a_mapped_task_counts_its_instances() -> None:
    mapped = Mapped(
        run=RUN, task_id="fit", counts={"success": 8, "failed": 2}, failed=(Failed("fit", 3), Failed("fit", 7))
    )
    reason = mapped_reasons(mapped)[0]
    assert reason.sentence == "2 of 10 mapped tasks failed."
    assert reason.details == ("8 success", "2 failed")


def test_a_failed_try_says_what_the_log_says() -> None:
    what, follows = "Restore the file.", "No further try, because it would fail in the same way."
    last = TryRecord(
        number=1, flavor="cpu-small", kind="killed", sentence="killed: x", what_to_do=what, next_try=follows
    )
    [found] = reasons(state="failed", tries=(last,))
    assert (found.sentence, found.what_to_do) == ("Killed: x.", f"{what} {follows}")


@pytest.mark.parametrize(
    ("text", "short", "evidence"),
    [
        (
            "out of memory: the container was killed at its limit of 2Gi (flavor cpu-small, node n3, exit code 137)",
            "out of memory: the container was killed at its limit of 2Gi",
            ("flavor cpu-small, node n3, exit code 137",),
        ),
        (
            "exit code 1: the container failed after 1s: TypeError: 'function' object is not iterable (node vm)",
            "exit code 1: the container failed after 1s: TypeError: 'function' object is not iterable",
            ("node vm",),
        ),
        (
            "unschedulable: no node takes the pod: 0/3 nodes are available: 1 Insufficient nvidia.com/gpu, "
            "2 node(s) had untolerated taint {spot: true}. preemption: 0/3 nodes are available",
            "unschedulable: no node takes the pod: 0/3 nodes are available",
            (
                "1 Insufficient nvidia.com/gpu, 2 node(s) had untolerated taint {spot: true}. "
                "preemption: 0/3 nodes are available",
            ),
        ),
        ("killed: " + "word " * 30, "killed: " + "word " * 30, ()),
    ],
    ids=["brackets", "short", "long", "no-place"],
)
def test_a_first_sentence_is_short_and_its_evidence_follows(text: str, short: str, evidence: tuple[str, ...]) -> None:
    assert split_evidence(text) == (short, evidence)
