"""What Airflow shows about a pipeline: the Markdown page of its DAG."""

from __future__ import annotations

from dag_factory.build.pages.markdown import code, contained, escape, fenced
from dag_factory.build.pages.task_page import job_features
from dag_factory.build.pages.wording import alert_lines, describe_size, format_duration, without_effect
from dag_factory.config import model

_REASONS = 10  # of one DAG that is stopped


def dag_page(what: model.Pipeline) -> str:
    """The page of a DAG: what it does, its jobs, where it is written and what came of it."""
    parts = [
        _stopped(what),
        _held(what),
        escape(what.description or ""),
        contained(what.doc or ""),
        _jobs(what.jobs),
        without_effect(_promises(what)),
        *_where_it_runs(what),
        f"Written in {code(what.file)}, for the environment {code(what.environment)}."
        + (f" Its pods run in the namespace {code(what.cluster.namespace)}." if what.cluster.namespace else ""),
    ]
    if what.resolved:
        parts += ["#### The configuration, after all layers", fenced(what.resolved, "yaml")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _where_it_runs(what: model.Pipeline) -> list[str]:
    """Why it has no schedule here, and in which environments it is at all.

    The place is a file and a key: a line would give every DAG a new version whenever the table moves it.
    """
    lines = []
    if what.schedule_off:
        lines.append(
            f"Its schedule is off here, by `schedules: manual` in {code(what.schedule_off)}; start it by hand."
        )
    if what.only:
        names = ", ".join(map(code, what.only))
        lines.append(f"It is in these environments only: {names}, by `only` in {code(what.file)}.")
    return lines


def _stopped(what: model.Pipeline) -> str:
    """Why nothing of a DAG runs."""
    if not what.stopped:
        return ""
    reasons = [f"- {escape(problem.message)} ({escape(problem.hint)})" for problem in what.stopped[:_REASONS]]
    more = len(what.stopped) - len(reasons)
    head = "### ⛔ Stopped: this version breaks rules of today, so it has no schedule, and each of its tasks fails"
    return "\n".join([head, "", *reasons, *([f"- and {more} more"] if more else [])])


def _held(what: model.Pipeline) -> str:
    """Loud words over a DAG that is not what its file says now."""
    if not what.held:
        return ""
    reasons = [f"- {code(f'{problem.place}: {problem.code}')} {escape(problem.message)}" for problem in what.held]
    head = f"### ⚠ Not as written: {code(what.file)} has problems, and this is the last version that had none"
    return "\n".join([head, "", *reasons])


def _jobs(jobs: tuple[model.Job, ...]) -> str:
    """What each job gets and costs. Airflow shows the page in a narrow window: what is long comes last."""
    how = any(job_features(one) for one in jobs)  # a column for those pipelines that need it
    column = (" How |", "---|") if how else ("", "")
    rows = [
        f"| Job | Flavor | Cost per hour |{column[0]} Size | Image |",
        f"|---|---|---:|{column[1]}---|---|",
    ]
    for one in jobs:
        cost = one.flavor.cost_per_hour
        cells = [
            code(one.name),
            code(one.flavor.name),
            f"{cost:g}" if cost is not None else "",
            *(["; ".join(job_features(one))] if how else []),
            describe_size(one.flavor),
            code(one.image),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _promises(what: model.Pipeline) -> list[str]:
    """What the pipeline asks for beside its jobs and nothing heeds yet."""
    kinds = {channel.name: channel.kind for channel in what.channels}
    lines = [f"deadline: {format_duration(what.deadline)} after a run's start"] if what.deadline is not None else []
    lines += alert_lines(what.alerts, kinds)
    if not what.alerts_enabled and (lines or what.channels):
        lines.append(f"alerts are switched off in {code(what.environment)}")
    return lines
