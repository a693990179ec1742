"""Why a task instance waits, did not run, or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dag_factory.reasons.facts import Mapped, Task
from dag_factory.reasons.of_run import NO_RECORD, blocked, failed_links, run_reasons, stopped
from dag_factory.reasons.phrases import listed, span, task_link
from dag_factory.reasons.reason import Reason
from dag_factory.reasons.task_limits import limits
from dag_factory.reasons.task_tries import deferred, last_try, running, waits_for_retry

_DONE = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
LONG_QUEUED = 60  # seconds


def task_reasons(task: Task) -> tuple[Reason, ...]:
    """The reasons, the most important one first. Always at least one."""
    found = list(_REASONS.get(task.state, _other)(task))
    if task.note:
        found.append(Reason("note", "info", f"Note of the task: {task.note}"))
    return tuple(found)


def mapped_reasons(mapped: Mapped) -> tuple[Reason, ...]:
    """The state of the mapped tasks of a job."""
    total = sum(mapped.counts.values())
    states = tuple(f"{count} {state.replace('_', ' ') or 'not started'}" for state, count in mapped.counts.items())
    found = [*blocked(mapped.run)] if any(state not in _DONE for state in mapped.counts) else []
    if mapped.failed:
        found.append(
            Reason(
                "failed-mapped-tasks",
                "failed",
                f"{len(mapped.failed)} of {total} mapped tasks failed.",
                "Open one of them and its tab Why?: it has the tries, and what to do.",
                states,
                failed_links(mapped.run, mapped.failed),
            )
        )
    else:
        found.append(Reason("mapped-tasks", "info", f"The job has {total} mapped tasks.", "", states))
    return tuple(found)


def _no_state(task: Task) -> Iterator[Reason]:
    """The scheduler has not chosen the task yet."""
    if task.run.state in ("failed", "success"):
        yield Reason("run-ended", "info", "The run ended before this task started.", "Clear the task to run it.")
        return
    yield from blocked(task.run)
    if task.run.state == "queued":
        yield from (one for one in run_reasons(task.run) if one.kind in ("run-limit", "later", "queued"))
        return
    yield from _waits_for_upstream(task)


def _waits_for_upstream(task: Task) -> Iterator[Reason]:
    run = task.run
    waiting = [one for one in task.upstream if one.state not in _DONE]
    if waiting:
        links = tuple(task_link(run.dag.dag_id, run.run_id, one.task_id) for one in waiting[:5])
        names = list(dict.fromkeys(one.task_id for one in waiting))
        yield Reason(
            "waits-for-upstream",
            "waiting",
            f"The task waits until {listed(names)} {'has' if len(names) == 1 else 'have'} ended.",
            "Open that task to see what it waits for."
            if len(names) == 1
            else "Open one of them to see what it waits for.",
            tuple(_upstream_text(one.task_id, one.state, one.count) for one in waiting[:20]),
            links,
        )
    elif task.waits_for_previous_run:
        yield Reason(
            "waits-for-previous-run",
            "waiting",
            "The task waits for the same task of the run before (`depends_on_past`), which has not succeeded.",
            "Repair the run before: clear its failed task.",
        )
    else:
        yield Reason("soon", "waiting", "The task has no state yet. The scheduler looks at it within seconds.")


def _upstream_text(task_id: str, state: str, count: int) -> str:
    mapped = f" ({count} mapped tasks)" if count > 1 else ""
    return f"{task_id}: {state.replace('_', ' ') or 'not started'}{mapped}"


def _scheduled(task: Task) -> Iterator[Reason]:
    """All before it has ended, and a limit keeps it from starting."""
    yield from blocked(task.run)
    found = list(limits(task))
    yield from found
    if not found:
        yield Reason(
            "scheduled", "waiting", f"The task has been ready{_for(task)}. The scheduler starts it in a moment."
        )


def _queued(task: Task) -> Iterator[Reason]:
    yield from blocked(task.run)
    waits_long = task.since is not None and (task.run.dag.now - task.since).total_seconds() > LONG_QUEUED
    action = "Ask the platform team whether Airflow's workers run: a worker usually takes a task within seconds."
    sentence = f"The task has been waiting for a worker of Airflow{_for(task)}."
    yield Reason("queued", "waiting", sentence, action if waits_long else "")
    yield from last_try(task, "waiting")


def _failed(task: Task) -> Iterator[Reason]:
    found = list(last_try(task, "failed")) or list(stopped(task.run))
    yield from found
    if not found:
        yield Reason(
            "failed",
            "failed",
            "The task failed, and no reason is recorded.",
            NO_RECORD,
        )


def _upstream_failed(task: Task) -> Iterator[Reason]:
    causes = task.failed_upstream
    if not causes:
        yield Reason(
            "upstream-failed",
            "failed",
            "The task did not run, because a task before it failed. That task was cleared or has succeeded since.",
            "Clear this task to run it.",
        )
        return
    names = list(dict.fromkeys(one.task_id for one in causes))
    yield Reason(
        "upstream-failed",
        "failed",
        f"The task did not run, because {listed(names)} failed.",
        "Repair that task. Then clear it, which also clears this task.",
        links=failed_links(task.run, causes),
    )


def _skipped(task: Task) -> Iterator[Reason]:
    run = task.run
    skipped = [one for one in task.upstream if one.state == "skipped"]
    timed_out = [one for one in run_reasons(run) if one.kind == "run-timeout"]
    if timed_out:
        yield from timed_out
    elif skipped:
        names = list(dict.fromkeys(one.task_id for one in skipped))
        yield Reason(
            "upstream-skipped",
            "info",
            f"The task was skipped, because {listed(names)} before it {'was' if len(names) == 1 else 'were'} skipped.",
            "Give the job another `trigger_rule` if it should run anyway, for example `none_failed`.",
            links=tuple(task_link(run.dag.dag_id, run.run_id, one.task_id) for one in skipped[:5]),
        )
    else:
        yield Reason(
            "condition-false",
            "info",
            "The task was skipped: its condition `when` was false in this run, or somebody marked it as skipped.",
            "Its log has the condition. The docs of the task have it, too.",
        )


def _success(task: Task) -> Iterator[Reason]:
    tries = f" at try {task.try_number}" if task.try_number > 1 else ""
    yield Reason("success", "ok", f"The task succeeded{tries}.")


def _removed(_: Task) -> Iterator[Reason]:
    yield Reason(
        "removed",
        "info",
        "The current version of the pipeline does not have this task, or its list has become shorter.",
        "Nothing is to be done, unless the job was removed by mistake.",
    )


def _other(task: Task) -> Iterator[Reason]:
    yield Reason("state", "info", f"The task is in the state {task.state}.")


def _for(task: Task) -> str:
    return f" for {span(task.since, task.run.dag.now)}" if task.since else ""


_REASONS: dict[str, Callable[[Task], Iterator[Reason]]] = {
    "": _no_state,
    "scheduled": _scheduled,
    "queued": _queued,
    "running": running,
    "restarting": running,
    "deferred": deferred,
    "up_for_retry": waits_for_retry,
    "up_for_reschedule": waits_for_retry,
    "failed": _failed,
    "upstream_failed": _upstream_failed,
    "skipped": _skipped,
    "success": _success,
    "removed": _removed,
}
