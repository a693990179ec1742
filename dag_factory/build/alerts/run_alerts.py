"""Alerts about a run, and about jobs in it: the callbacks of a DAG. They run in the DAG processor.

A mapped job sends one alert for all its mapped tasks. A job whose process was killed could send none, because Airflow
runs no callback of its task then.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from dag_factory.build.alerts import evidence as evidences
from dag_factory.build.alerts import links, outbox
from dag_factory.build.alerts.alert import Alert, Event, FailedJob
from dag_factory.build.alerts.deliver import deliver
from dag_factory.build.alerts.evidence import Evidence
from dag_factory.build.alerts.job_alerts import PROCESSOR_SECONDS, channels, is_first_report, is_mapped, owner
from dag_factory.build.alerts.text import LONGEST_NAME, names, one_line
from dag_factory.config.model import Job, Pipeline
from dag_factory.config.units import duration_text

MOST_JOBS = 20
_MOST_READ = 5  # mapped tasks of a job whose evidence is read

_FAILED = ("failed",)
_DONE = ("success",)

_log = logging.getLogger(__name__)

Alerts = list[tuple[Alert, tuple[str, ...]]]


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that ended: its state, and the states of the tasks of each job by their map index."""

    id: str
    failed: bool
    reason: str
    clear: int
    states: Mapping[str, Mapping[int, str]]


def run_ended(pipeline: Pipeline, context: Any, failed: bool) -> None:
    """Send the alerts of a run that ended, and of its mapped jobs."""
    run = _run(pipeline, context, failed)
    for alert, names_of_channels in [
        *_unreported_jobs(pipeline, run),
        *_mapped_jobs(pipeline, run),
        *_whole_run(pipeline, run),
    ]:
        deliver(alert, channels(pipeline, names_of_channels), PROCESSOR_SECONDS)


def _run(pipeline: Pipeline, context: Any, failed: bool) -> _Run:
    run_id, dag_run = context["run_id"], context.get("dag_run")
    return _Run(
        id=run_id,
        failed=failed,
        reason=one_line(context.get("reason") or "", 300),
        clear=getattr(dag_run, "clear_number", 0) or 0,
        states=_states(pipeline, run_id),
    )


def _states(pipeline: Pipeline, run_id: str) -> dict[str, dict[int, str]]:
    """The states of all tasks. Airflow names a mapped task by its task and index, which other tasks may be named."""
    single = [job.name for job in pipeline.jobs if not is_mapped(job)]
    found = {name: {-1: state} for name, state in _query(pipeline.id, run_id, single).items() if state}
    for job in pipeline.jobs:
        if is_mapped(job):
            states = _query(pipeline.id, run_id, [job.name])
            found[job.name] = {_index(name, job.name): state for name, state in states.items() if state}
    return found


def _index(name: str, job: str) -> int:
    text = name[len(job) + 1 :]
    return int(text) if text.isdigit() else -1


def _query(dag_id: str, run_id: str, tasks: Sequence[str]) -> dict[str, str]:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    if not tasks:
        return {}
    states = RuntimeTaskInstance.get_task_states(dag_id=dag_id, task_ids=list(tasks), run_ids=[run_id])
    return dict(states.get(run_id, {}))


def _unreported_jobs(pipeline: Pipeline, run: _Run) -> Alerts:
    """The alerts that the process of a failed job should have sent."""
    found: Alerts = []
    for job in pipeline.jobs:
        wants_alert = job.alerts.on_failure or job.alerts.on_recovery
        if is_mapped(job) or not wants_alert or not _has_failed(run, job):
            continue
        if is_first_report(pipeline, run.id, job, run.clear):
            if job.alerts.on_recovery:
                outbox.remember_failure(pipeline.id, job.name)
            if job.alerts.on_failure:
                found.append((_single_failure(pipeline, run, job), job.alerts.on_failure))
    return found


def _single_failure(pipeline: Pipeline, run: _Run, job: Job) -> Alert:
    evidence = evidences.pull(pipeline.id, run.id, job.name)
    return msgspec.structs.replace(
        _alert("on_failure", pipeline, run, job),
        summary=evidence.summary,
        sentence=evidence.sentence,
        what_to_do=evidence.what_to_do,
        kind=evidence.kind,
        tries=evidence.tries,
        log_lines=evidence.lines,
    )


def _mapped_jobs(pipeline: Pipeline, run: _Run) -> Alerts:
    """One alert for each mapped job, however many of its mapped tasks failed."""
    found: Alerts = []
    for job in filter(is_mapped, pipeline.jobs):
        states = run.states.get(job.name, {})
        count = sum(1 for state in states.values() if state in _FAILED)
        if count:
            if job.alerts.on_recovery:
                outbox.remember_failure(pipeline.id, job.name)
            if job.alerts.on_failure:
                found.append((_mapped_failure(pipeline, run, job), job.alerts.on_failure))
        elif states and all(state in _DONE for state in states.values()):
            if job.alerts.on_recovery and outbox.forget_failure(pipeline.id, job.name):
                found.append((_alert("on_recovery", pipeline, run, job), job.alerts.on_recovery))
            if job.alerts.on_success:
                found.append((_alert("on_success", pipeline, run, job), job.alerts.on_success))
    return found


def _mapped_failure(pipeline: Pipeline, run: _Run, job: Job) -> Alert:
    row, evidence = _failed_job(pipeline, run, job)
    alert = _alert("on_failure", pipeline, run, job)
    return msgspec.structs.replace(
        alert,
        summary=row.count,
        sentence=f"{row.count}: {row.sentence}" if row.sentence else row.count,
        what_to_do=evidence.what_to_do if row.sentence else "Read the logs of the failed tasks.",
        kind=evidence.kind,
        tries=evidence.tries,
        log_lines=evidence.lines,
    )


def _whole_run(pipeline: Pipeline, run: _Run) -> Alerts:
    """The alerts of the pipeline itself."""
    alerts, found = pipeline.alerts, list[tuple[Alert, tuple[str, ...]]]()
    if run.failed:
        if alerts.on_recovery:
            outbox.remember_failure(pipeline.id, "")
        if alerts.on_failure:
            found += _run_failure(pipeline, run)
        return found
    if alerts.on_recovery and outbox.forget_failure(pipeline.id, ""):
        found.append((_alert("on_recovery", pipeline, run), alerts.on_recovery))
    if alerts.on_success:
        found.append((_alert("on_success", pipeline, run), alerts.on_success))
    return found


def _run_failure(pipeline: Pipeline, run: _Run) -> Alerts:
    """The alert of a failed run, to the channels that have no alert about each of its failed jobs yet."""
    failed = [job for job in pipeline.jobs if _has_failed(run, job)]
    left = tuple(
        name
        for name in pipeline.alerts.on_failure
        if not failed or any(name not in job.alerts.on_failure for job in failed)
    )
    if not left:
        return []
    rows = [_failed_job(pipeline, run, job) for job in failed[:MOST_JOBS]]
    alert = _alert("on_failure", pipeline, run)
    if len(failed) == 1:
        row, evidence = rows[0]
        return [(_with_evidence(alert, failed[0], row, evidence, pipeline), left)]
    summary = names([job.name for job in failed]) or ("timed out" if run.reason == "timed_out" else "")
    more = len(failed) - len(rows)
    return [
        (
            msgspec.structs.replace(
                alert,
                summary=one_line(summary, 150),
                sentence=f"{len(failed)} jobs failed" if failed else _reason(pipeline, run.reason),
                failed=(*(row for row, _ in rows), *([FailedJob(name=f"and {more} more")] if more > 0 else [])),
                what_to_do="Begin with the job that failed first: open its log." if failed else "",
            ),
            left,
        )
    ]


def _with_evidence(alert: Alert, job: Job, row: FailedJob, evidence: Evidence, pipeline: Pipeline) -> Alert:
    """The alert of a run in which one job failed: everything about that job."""
    reason = row.sentence or "it failed; its log says why"
    return msgspec.structs.replace(
        alert,
        summary=f"{job.name}: {row.count or evidence.summary}" if row.count or evidence.summary else job.name,
        sentence=f"{job.name}: {f'{row.count}: ' if row.count else ''}{reason}",
        what_to_do=evidence.what_to_do,
        kind=evidence.kind,
        tries=evidence.tries,
        log_lines=evidence.lines,
        links=(
            *([msgspec.structs.replace(alert.links[0], text="Log", url=row.log)] if row.log else []),
            *(link for link in alert.links if link.text == "Run"),
            *links.source_link(pipeline, job.line),
            *links.runbook_link(pipeline, evidence.kind),
        ),
    )


def _reason(pipeline: Pipeline, reason: str) -> str:
    if reason == "timed_out":
        return "the run took longer than its timeout" + (
            f" of {duration_text(pipeline.timeout)}" if pipeline.timeout else ""
        )
    return f"the run failed: {reason}" if reason else "the run failed"


def _has_failed(run: _Run, job: Job) -> bool:
    return any(state in _FAILED for state in run.states.get(job.name, {}).values())


def _failed_job(pipeline: Pipeline, run: _Run, job: Job) -> tuple[FailedJob, Evidence]:
    """A row about a failed job, and the evidence of its first failed task."""
    states = run.states[job.name]
    indexes = sorted(index for index, state in states.items() if state in _FAILED)
    read = [evidences.pull(pipeline.id, run.id, job.name, index) for index in indexes[:_MOST_READ]]
    count = f"{len(indexes)} of {len(states)} mapped tasks failed" if is_mapped(job) else ""
    log = links.log_link(pipeline.id, run.id, job.name, indexes[0]).url
    sentence = _most_common(one.sentence for one in read)
    first = next((one for one in read if one.sentence == sentence), read[0])
    return FailedJob(name=job.name, sentence=sentence, count=count, log=log), first


def _most_common(sentences: Iterable[str]) -> str:
    counts = Counter(sentence for sentence in sentences if sentence)
    return counts.most_common(1)[0][0] if counts else ""


def _alert(event: Event, pipeline: Pipeline, run: _Run, job: Job | None = None) -> Alert:
    tasks = len(run.states.get(job.name, {})) if job else 0
    return Alert(
        event=event,
        environment=pipeline.environment,
        pipeline=pipeline.id,
        run=one_line(run.id, LONGEST_NAME),
        job=job.name if job else "",
        sentence=f"all {tasks} mapped tasks succeeded" if job and event != "on_failure" else "",
        owner=owner(pipeline),
        links=(
            *([links.log_link(pipeline.id, run.id, job.name, _first_failed(run, job))] if job else []),
            links.run_link(pipeline.id, run.id),
            *links.source_link(pipeline, job.line if job else 0),
        ),
        clear=run.clear,
    )


def _first_failed(run: _Run, job: Job) -> int:
    states = run.states.get(job.name, {})
    return min((index for index, state in states.items() if state in _FAILED), default=min(states, default=-1))
