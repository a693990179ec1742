"""The pods as a table for people, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from dag_factory.config.units import duration_text
from dag_factory.pods.find_pods import FoundPod

_COLUMNS: dict[str, Callable[[FoundPod, float], str]] = {
    "NAMESPACE": lambda one, _: one.pod.pod.namespace,
    "POD": lambda one, _: one.pod.pod.name,
    "AGE": lambda one, now: age_text(now - one.pod.created),
    "PHASE": lambda one, _: "Terminating" if one.pod.pod.deleted is not None else one.pod.pod.phase,
    "PIPELINE": lambda one, _: one.pod.pipeline,
    "JOB": lambda one, _: job_text(one),
    "TRY": lambda one, _: str(one.pod.try_number),
    "FLAVOR": lambda one, _: one.pod.flavor,
    "NODE": lambda one, _: one.pod.pod.node or "-",
    "RUN": lambda one, _: one.task.run_id if one.task else one.pod.task.run,
    "WATCH": lambda one, _: one.watch.state,
    "REASON": lambda one, _: reason_text(one),
}
_WIDE = ("RUN",)


def table(pods: Sequence[FoundPod], now: float, wide: bool, width: int | None) -> list[str]:
    """The lines of the table. Lines are cut at ``width``, unless the table is wide."""
    chosen = [name for name in _COLUMNS if wide or name not in _WIDE]
    if not wide and len({one.pod.pod.namespace for one in pods}) < 2:
        chosen.remove("NAMESPACE")
    rows = [chosen, *([_COLUMNS[name](one, now) for name in chosen] for one in pods)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in rows]
    if wide or width is None:
        return lines
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]


def reason_text(one: FoundPod) -> str:
    """Why the pod failed or waits, and how we know who watches it, unless that is the normal case."""
    doubt = one.watch.reason if one.watch.state in ("orphan", "unknown", "next-try") else ""
    return "; ".join(filter(None, (one.reason, doubt)))


def job_text(one: FoundPod) -> str:
    """``train``, or ``train[3]`` for a mapped task."""
    index = one.pod.task.map_index
    return f"{one.pod.job}[{index}]" if index >= 0 else one.pod.job


def age_text(seconds: float) -> str:
    """The two largest units of a duration: ``3h12m``."""
    whole = max(0, int(seconds))
    for size in (86400, 3600, 60):
        if whole >= size:
            smaller = {86400: 3600, 3600: 60, 60: 1}[size]
            return duration_text(whole - whole % smaller)
    return f"{whole}s"


def summary(pods: Sequence[FoundPod]) -> str:
    """``3 pods: 2 watched, 1 orphan``."""
    states = [one.watch.state for one in pods]
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return f"{len(pods)} {'pod' if len(pods) == 1 else 'pods'}: {', '.join(parts)}"


def as_json(one: FoundPod, now: float) -> dict[str, Any]:
    """One pod as a JSON object. The names of its keys are stable."""
    pod, task = one.pod, one.task
    return {
        "namespace": pod.pod.namespace,
        "name": pod.pod.name,
        "uid": pod.pod.uid,
        "node": pod.pod.node or None,
        "phase": pod.pod.phase,
        "created": datetime.fromtimestamp(pod.created, timezone.utc).isoformat(),
        "age_seconds": max(0, int(now - pod.created)),
        "environment": pod.environment,
        "pipeline": pod.pipeline,
        "job": pod.job,
        "dag_id": task.dag_id if task else None,
        "run_id": task.run_id if task else None,
        "task_id": task.task_id if task else None,
        "map_index": pod.task.map_index,
        "try_number": pod.try_number,
        "flavor": pod.flavor,
        "verdict": one.kind,
        "reason": one.reason,
        "watch": one.watch.state,
        "watch_reason": one.watch.reason,
        "task_state": (task.state or None) if task else None,
    }
