"""Which task instance watches a pod: the rules that find orphans. Pure functions.

A pod is an orphan only if Airflow knows its task instance and no try of it will ever look at the pod again. In every
other case of doubt the result is ``unknown``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dag_factory.config.units import duration_text
from dag_factory.pods.job_pod import JobPod

State = Literal["watched", "next-try", "ending", "kept", "orphan", "unknown"]

STATES: dict[State, str] = {
    "watched": "A running or deferred try watches the pod.",
    "next-try": "No try runs. The next one takes over the pod if it still runs, or deletes it.",
    "ending": "The pod is being deleted, or its try ended less than a minute ago.",
    "kept": "The pod has ended and is kept, because the job sets `keep_pod`.",
    "orphan": "No try watches the pod, and no later try will. `dagf pods reap` deletes it.",
    "unknown": "Nobody can tell: no Airflow answered, or it does not know the run.",
}

_SETTLING = 60  # seconds that the worker of a try may need to delete the pod after Airflow stored the end of the try
_STUCK = 300  # seconds after the end of the grace period

_WATCHING = ("running", "deferred", "restarting")
_FINAL = ("success", "failed", "skipped", "upstream_failed", "removed")
_FINISHED_RUN = ("success", "failed")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task instance in Airflow. ``ended`` is the end of its last try, in seconds since 1970.

    ``state`` is empty if the task is not scheduled yet. ``environment`` is empty if Airflow does not know it any more.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    state: str = ""
    run_state: str = ""
    try_number: int = 0
    ended: float | None = None
    environment: str = ""


class Watch(msgspec.Struct, frozen=True):
    """Who watches a pod, and how we know: a clause without a final period."""

    state: State
    reason: str


def judge(pod: JobPod, task: Task | None, now: float, rivals: int = 0) -> Watch:
    """Decide who watches a pod. ``task`` is its task instance, None if Airflow does not know it.

    ``rivals``: how many other pods of the same task instance are active and not done with.
    """
    if pod.pod.deleted is not None:
        return _ending(pod.pod.deleted, now)
    if task is None:
        return Watch("unknown", "Airflow has no such task: its run was deleted, or the pod belongs to another Airflow")
    if task.environment and pod.environment and task.environment != pod.environment:
        text = f"this Airflow runs the environment {task.environment}, and the pod is of {pod.environment}"
        return Watch("unknown", text)
    if not pod.is_active and pod.checked:
        return Watch("kept", "the job keeps its pods")
    if task.state in _WATCHING:
        return _of_running_task(pod, task, rivals)
    state = f"Airflow: the task is {task.state or 'not scheduled yet'}"
    if task.state not in _FINAL and task.run_state not in _FINISHED_RUN:
        if pod.checked:
            return Watch("next-try", f"try {pod.try_number} ended without deleting it, so the next try does")
        return Watch("next-try", state)
    if task.state not in _FINAL:
        state = f"{state}, and its run is {task.run_state}"
    if task.ended is not None:
        ago = max(0, int(now - task.ended))
        if ago < _SETTLING:
            return Watch("ending", f"{state} for {duration_text(ago)}")
        state = f"{state} for {duration_text(ago)}"
    return Watch("orphan", state)


def _of_running_task(pod: JobPod, task: Task, rivals: int) -> Watch:
    state = f"try {task.try_number} is {task.state}"
    if pod.checked and pod.try_number < task.try_number:
        return Watch("orphan", f"try {pod.try_number} ended without deleting it, and {state} with another pod")
    if rivals and not pod.checked:
        others = "another pod" if rivals == 1 else f"{rivals} other pods"
        return Watch("unknown", f"{state}, and {others} of the same task may be the one that it watches")
    return Watch("watched", state)


def _ending(deadline: float, now: float) -> Watch:
    late = int(now - deadline)
    if late < _STUCK:
        return Watch("ending", "its deletion was requested")
    return Watch("ending", f"its deletion is {duration_text(late)} late; its node may be lost")
