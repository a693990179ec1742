"""Why a run waits, or how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dag_factory.config.units import duration_text
from dag_factory.reasons.facts import Failed, OpenTask, Run
from dag_factory.reasons.phrases import MOST_WORDS, failed_text, span, split_evidence, task_link, task_name, time_text
from dag_factory.reasons.reason import Link, Reason
from dag_factory.reasons.shared import leaving, run_limit, services

MAX_LINKS = 20
MAX_SHOWN = 5
"""How many tasks a page shows with what to do."""
NO_RECORD = (
    "Read the end of its log. If there is no log, its worker was killed before it could write one, or somebody marked"
    " the task as failed: look at the tab Audit Log."
)


def run_reasons(run: Run) -> tuple[Reason, ...]:
    """The reasons, the most important one first. Always at least one."""
    found = list(_REASONS.get(run.state, _other)(run))
    if run.note:
        found.append(Reason("note", "info", f"Note of the run: {run.note}"))
    return tuple(found)


def blocked(run: Run) -> Iterator[Reason]:
    """Why nothing of a run that has not ended goes on."""
    yield from (one for one in services(run.dag) if one.kind == "no-scheduler")
    yield from stopped(run)
    if run.dag.stale:
        yield Reason(
            "file-gone",
            "failed",
            "No file defines this DAG any more, so none of its tasks starts.",
            "Restore the file, or mark the run as failed.",
        )
    if run.dag.paused:
        yield Reason(
            "paused",
            "waiting",
            "The DAG is paused, so Airflow starts none of its tasks.",
            "Unpause it with the switch next to its name.",
        )


def stopped(run: Run) -> Iterator[Reason]:
    """Why each task of the run fails before it starts."""
    if run.dag.deleted:
        yield leaving(run.dag)
    if run.dag.stopped:
        yield Reason(
            "stopped",
            "failed",
            "The pipeline is stopped: its last good version breaks current rules of the platform, so each task fails.",
            "Fix the errors in the file.",
            run.dag.stopped,
        )


def _queued(run: Run) -> Iterator[Reason]:
    yield from blocked(run)
    dag = run.dag
    if run.run_after and run.run_after > dag.now:
        text = f"The run starts at {time_text(run.run_after)}, in {span(dag.now, run.run_after)}."
        yield Reason("later", "waiting", text)
    elif dag.max_active_runs and len(dag.active_runs) >= dag.max_active_runs:
        yield run_limit(dag)
    else:
        yield Reason("queued", "waiting", "The run is queued. The scheduler starts it in a moment.")


def _running(run: Run) -> Iterator[Reason]:
    yield from blocked(run)
    since = f" for {span(run.started, run.dag.now)}" if run.started else ""
    limit = f" Its timeout is {duration_text(run.timeout)}." if run.timeout else ""
    yield from _failed_tasks(run)
    shown = waiting_tasks(run)[:MAX_SHOWN]
    yield from (open_task(run, one) for one in shown)
    jobs = f" {run.unfinished} task{'' if run.unfinished == 1 else 's'} not finished." if run.unfinished else ""
    links = tuple(
        task_link(
            run.dag.dag_id,
            run.run_id,
            one.task_id,
            one.map_index,
            f"{task_name(one.task_id, one.map_index)}: {one.reason.sentence}",
        )
        for one in run.open
        if one not in shown
    )
    yield Reason("running", "info", f"The run has been running{since}.{limit}{jobs}", links=links)


def waiting_tasks(run: Run) -> list[OpenTask]:
    """The open tasks that wait for something, or that cannot start."""
    return [one for one in run.open if one.reason.tone in ("waiting", "failed")]


def open_task(run: Run, one: OpenTask, of_run: str = "") -> Reason:
    """What an open task waits for. ``of_run`` is added to the text of the link to the task."""
    name, why = task_name(one.task_id, one.map_index), one.reason
    link = task_link(run.dag.dag_id, run.run_id, one.task_id, one.map_index, name + of_run)
    return Reason("open-task", why.tone, f"`{name}`: {why.sentence}", why.what_to_do, why.details, (*why.links, link))


def _failed(run: Run) -> Iterator[Reason]:
    found = list(_failed_tasks(run))
    if not any(one.sentence for one in run.failed):  # a record of a task has this reason, too
        yield from stopped(run)
    if run.timeout and run.started and run.ended:
        took = (run.ended - run.started).total_seconds()
        if took >= run.timeout:
            yield Reason(
                "run-timeout",
                "failed",
                f"The run took longer than its timeout of {duration_text(run.timeout)}, so Airflow ended it.",
                "Raise `timeout` of the pipeline, or find out which job took so long.",
            )
    yield from found
    if not found:
        yield Reason(
            "failed",
            "failed",
            "The run failed, but none of its tasks did.",
            "Somebody may have marked it as failed: look at the tab Audit Log.",
        )


def _failed_tasks(run: Run) -> Iterator[Reason]:
    """The first failed tasks, each with its verdict and what to do. Then links to the others."""
    for one in run.failed[:MAX_SHOWN]:
        yield failed_task(run, one)
    if more := run.failed[MAX_SHOWN:]:
        yield Reason(
            "failed-tasks",
            "failed",
            f"{len(more)} other task{'' if len(more) == 1 else 's'} failed.",
            "Open a task and its tab Why?: it has the tries, and what to do.",
            (f"the first {MAX_LINKS} of them:",) if len(more) > MAX_LINKS else (),
            failed_links(run, more),
        )


def failed_task(run: Run, one: Failed) -> Reason:
    """Why a task of the run failed."""
    name = task_name(one.task_id, one.map_index)
    link = task_link(run.dag.dag_id, run.run_id, one.task_id, one.map_index)
    if not one.sentence:
        return Reason("failed-task", "failed", f"`{name}` failed, and no reason is recorded.", NO_RECORD, links=(link,))
    short, evidence = split_evidence(one.sentence, MOST_WORDS - 2)
    return Reason("failed-task", "failed", f"`{name}` failed: {short}.", one.what_to_do, evidence, (link,))


def failed_links(run: Run, failed: Sequence[Failed]) -> tuple[Link, ...]:
    """A link to each failed task, with the reason of its failure."""
    dag_id, run_id = run.dag.dag_id, run.run_id
    return tuple(task_link(dag_id, run_id, one.task_id, one.map_index, failed_text(one)) for one in failed[:MAX_LINKS])


def _success(run: Run) -> Iterator[Reason]:
    took = f" after {span(run.started, run.ended)}" if run.started and run.ended else ""
    yield Reason("success", "ok", f"The run succeeded{took}.")
    yield from _failed_tasks(run)


def _other(run: Run) -> Iterator[Reason]:
    yield Reason("state", "info", f"The run is in the state {run.state}.")


_REASONS = {"queued": _queued, "running": _running, "failed": _failed, "success": _success}
