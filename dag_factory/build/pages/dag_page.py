"""The Markdown page of a DAG: what Airflow shows about a pipeline."""

from __future__ import annotations

from dag_factory.build.pages.markdown import code, contained, escape, fenced
from dag_factory.build.pages.task_page import job_features
from dag_factory.build.pages.wording import alert_lines, alert_list, deadline_text, explain_command, flavor_size
from dag_factory.config import model
from dag_factory.config.problems import Problem
from dag_factory.config.project.deleted import is_deleted
from dag_factory.config.units import duration_text

_MAX_REASONS = 10  # of one DAG that is stopped
STOPPED_HEAD = "### ⛔ Stopped"
DELETED_HEAD = "### ⛔ Deleted"
LAST_GOOD_HEAD = "### ⚠ Last good version"
CONFIGURATION_HEAD = "#### The configuration with all layers merged"


def dag_page(pipeline: model.Pipeline) -> str:
    """Return the page of a pipeline's DAG: its state, what it does, its jobs, its file and its configuration."""
    namespace = pipeline.cluster.namespace
    parts = [
        _stopped(pipeline),
        _last_good(pipeline),
        escape(pipeline.description or ""),
        contained(pipeline.doc or ""),
        _jobs(pipeline.jobs),
        _time_limits(pipeline),
        alert_list(_alerts(pipeline)),
        *_environment_rules(pipeline),
        f"Defined in {code(pipeline.file)}, for the environment {code(pipeline.environment)}."
        + (f" Its pods run in the namespace {code(namespace)}." if namespace else ""),
    ]
    if pipeline.resolved:
        parts += [CONFIGURATION_HEAD, explain_command(pipeline), fenced(pipeline.resolved, "yaml")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _time_limits(pipeline: model.Pipeline) -> str:
    """Say how long a run may take."""
    lines = []
    if pipeline.timeout is not None:
        lines.append(f"A run is stopped, and fails, {duration_text(pipeline.timeout)} after it starts (`timeout`).")
    if deadline := deadline_text(pipeline):
        lines.append(f"A run must succeed {deadline} (`deadline`).")
    return " ".join(lines)


def _environment_rules(pipeline: model.Pipeline) -> list[str]:
    """Say why the DAG has no schedule in this environment, and in which environments it exists.

    A position is a file and a key. With a line, every edit of the table above it would give every DAG a new version.
    """
    lines = []
    if pipeline.schedule_off:
        lines.append(
            f"The schedule is off in this environment: {code(pipeline.schedule_off)} has `schedules: manual`."
            " Start runs by hand."
        )
    if pipeline.only:
        names = ", ".join(map(code, pipeline.only))
        lines.append(f"This DAG exists only in these environments: {names} (`only` in {code(pipeline.file)}).")
    return lines


def _stopped(pipeline: model.Pipeline) -> str:
    """Say why no job of the DAG runs."""
    if not pipeline.stopped:
        return ""
    if is_deleted(pipeline):
        first = pipeline.stopped[0]
        return (
            f"{DELETED_HEAD}: {escape(first.message)}\n\n"
            "It has no schedule. Jobs that run now continue, jobs that have not started fail, and teardowns run."
            f" When every run is finished, this DAG disappears. {escape(first.hint.capitalize())}."
        )
    reasons = [f"- {escape(problem.message)} ({escape(problem.hint)})" for problem in pipeline.stopped[:_MAX_REASONS]]
    more = len(pipeline.stopped) - len(reasons)
    head = f"{STOPPED_HEAD}: this version breaks current rules, so it has no schedule and each of its tasks fails"
    return "\n".join([head, "", *reasons, *([f"- and {more} more"] if more else [])])


def _last_good(pipeline: model.Pipeline) -> str:
    """Warn that the DAG differs from its file."""
    if not pipeline.current_errors:
        return ""
    reasons = [f"- {_error_line(one)}" for one in pipeline.current_errors]
    head = f"{LAST_GOOD_HEAD}: {code(pipeline.file)} has errors, so this DAG does not follow the file"
    return "\n".join([head, "", *reasons])


def _error_line(problem: Problem) -> str:
    """Return where an error is, what is wrong, what to do, and the code to look up."""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{code(problem.location)} {escape(problem.message + hint)}, code {code(problem.code)}"


def _jobs(jobs: tuple[model.Job, ...]) -> str:
    """Return a list of the jobs.

    Airflow shows the page about 450 pixels wide, where the cells of a table would hold one word each.
    """
    images = {job.image for job in jobs}
    shared = images.pop() if len(images) == 1 and len(jobs) > 1 else ""
    head = f"#### {len(jobs)} jobs\n\nThe image of all jobs is {code(shared)}.\n\n" if shared else "#### Jobs\n\n"
    return head + "\n".join(_job(job, bool(shared)) for job in jobs)


def _job(job: model.Job, has_shared_image: bool) -> str:
    """Return the list item of one job: a line with its size, then a line for everything else."""
    cost = job.flavor.cost_per_hour
    price = f", {cost:g} per hour" if cost is not None else ""
    lines = [
        f"- **{escape(job.name)}**: {code(job.flavor.name)} ({flavor_size(job.flavor)}){price}",
        *([] if has_shared_image else [f"  - image {code(job.image)}"]),
        *(f"  - {feature}" for feature in job_features(job)),
    ]
    return "\n".join(lines)


def _alerts(pipeline: model.Pipeline) -> list[str]:
    """Return who receives alerts about the run."""
    kinds = {channel.name: channel.kind for channel in pipeline.channels}
    lines = alert_lines(pipeline.alerts, kinds)
    if not pipeline.alerts_enabled and pipeline.channels:
        lines.append(f"alerts are off in {code(pipeline.environment)}")
    return lines
