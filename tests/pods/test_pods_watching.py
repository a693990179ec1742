"""Which pods are orphans: each state of a task with each state of a pod."""

from __future__ import annotations

import msgspec
import pytest

from dag_factory.pods.find_pods import count_rivals
from dag_factory.pods.job_pod import JobPod, TaskLabels
from dag_factory.pods.watching import STATES, Task, judge
from dag_factory.verdicts.evidence.model import Pod

NOW = 1_000_000.0
POD = JobPod(
    pod=Pod(name="a-b-x", namespace="ml", uid="1", phase="Running"),
    task=TaskLabels("a", "r", "b"),
    try_number=1,
    pipeline="a",
    job="b",
    flavor="cpu-small",
    environment="prod",
    created=NOW - 3600,
    checked=False,
)
TASK = Task(dag_id="a", run_id="r", task_id="b", state="running", run_state="running", try_number=1)


def pod(phase: str = "Running", checked: bool = False, try_number: int = 1, deleted: float | None = None) -> JobPod:
    status = msgspec.structs.replace(POD.pod, phase=phase, deleted=deleted)
    return msgspec.structs.replace(POD, pod=status, checked=checked, try_number=try_number)


def task(state: str, run_state: str = "running", try_number: int = 1, ago: float | None = None) -> Task:
    ended = None if ago is None else NOW - ago
    return msgspec.structs.replace(TASK, state=state, run_state=run_state, try_number=try_number, ended=ended)


@pytest.mark.parametrize(
    ("pod", "task", "state", "reason"),
    [
        (pod(), task("running"), "watched", "try 1 is running"),
        (pod("Pending"), task("deferred"), "watched", "try 1 is deferred"),
        # A later try took over the pod: its label keeps the number of the try that created it.
        (pod(), task("running", try_number=2), "watched", "try 2 is running"),
        (pod("Failed"), task("running"), "watched", "try 1 is running"),
        (
            pod(checked=True),
            task("running", try_number=2),
            "orphan",
            "try 1 ended without deleting it, and try 2 is running with another pod",
        ),
        (pod(checked=True), task("running"), "watched", "try 1 is running"),  # at its end
        (pod(checked=True), task("restarting"), "watched", "try 1 is restarting"),  # cleared while it ran
        (pod(), task("up_for_retry", ago=5), "next-try", "Airflow: the task is up_for_retry"),
        (pod(), task("queued"), "next-try", "Airflow: the task is queued"),
        (pod(), task(""), "next-try", "Airflow: the task is not scheduled yet"),
        (pod("Failed"), task("up_for_retry"), "next-try", "Airflow: the task is up_for_retry"),
        (
            pod(checked=True),
            task("up_for_retry"),
            "next-try",
            "try 1 ended without deleting it, so the next try does",
        ),
        (
            pod(),
            task("", run_state="failed"),
            "orphan",
            "Airflow: the task is not scheduled yet, and its run is failed",
        ),
        (pod(), task("failed", "failed", ago=5), "ending", "Airflow: the task is failed for 5s"),
        (pod(), task("failed", "failed", ago=3600), "orphan", "Airflow: the task is failed for 1h"),
        (pod(checked=True), task("success", ago=90), "orphan", "Airflow: the task is success for 1m30s"),
        (pod("Unknown"), task("failed", ago=3600), "orphan", "Airflow: the task is failed for 1h"),
        (pod("Failed"), task("failed", "failed", ago=3600), "orphan", "Airflow: the task is failed for 1h"),
        (pod("Failed", checked=True), task("failed", "failed", ago=3600), "kept", "the job keeps its pods"),
        (pod("Succeeded", checked=True), task("success", ago=1), "kept", "the job keeps its pods"),
        (pod(deleted=NOW + 20), task("failed", ago=3600), "ending", "its deletion was requested"),
        (
            pod(deleted=NOW - 1200),
            task("failed", ago=3600),
            "ending",
            "its deletion is 20m late; its node may be lost",
        ),
    ],
)
def test_who_watches_a_pod(pod: JobPod, task: Task, state: str, reason: str) -> None:
    watch = judge(pod, task, NOW)
    assert (watch.state, watch.reason) == (state, reason)
    assert watch.state in STATES


def test_a_task_that_airflow_does_not_know_is_never_an_orphan() -> None:
    assert judge(pod(), None, NOW).state == "unknown"


def test_a_task_of_another_environment_is_never_an_orphan() -> None:
    other = msgspec.structs.replace(task("failed", "failed", ago=3600), environment="staging")
    watch = judge(pod(), other, NOW)
    assert (watch.state, watch.reason) == (
        "unknown",
        "this Airflow runs the environment staging, and the pod is of prod",
    )
    same = msgspec.structs.replace(other, environment="prod")
    assert judge(pod(), same, NOW).state == "orphan"


def test_two_pods_of_one_running_try_are_reported_and_not_orphans() -> None:
    second = msgspec.structs.replace(POD, pod=msgspec.structs.replace(POD.pod, uid="2"))
    other_task = msgspec.structs.replace(
        POD, pod=msgspec.structs.replace(POD.pod, uid="3"), task=TaskLabels("a", "r", "b", 0)
    )
    done = msgspec.structs.replace(pod("Failed"), pod=msgspec.structs.replace(POD.pod, uid="4", phase="Failed"))
    rivals = count_rivals([POD, second, other_task, done])
    assert rivals == {"1": 1, "2": 1, "3": 0, "4": 2}
    watch = judge(POD, TASK, NOW, rivals["1"])
    assert watch.state == "unknown"
    assert watch.reason == "try 1 is running, and another pod of the same task may be the one that it watches"
