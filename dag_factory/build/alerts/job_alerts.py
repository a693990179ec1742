"""Alerts about a job: the callbacks of its task."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from dag_factory.build.alerts import evidence as evidences
from dag_factory.build.alerts import links, outbox
from dag_factory.build.alerts.alert import Alert, Event
from dag_factory.build.alerts.deliver import deliver
from dag_factory.build.alerts.evidence import Evidence
from dag_factory.build.alerts.text import LONGEST_NAME, one_line
from dag_factory.build.worker.try_failed import TryLost
from dag_factory.config.model import Channel, Job, Pipeline

PROCESSOR_SECONDS = 8.0
"""How long one alert may take in the DAG processor. Airflow ends a process there after 50 s, with all its callbacks."""

_log = logging.getLogger(__name__)


def is_first_report(pipeline: Pipeline, run_id: str, job: Job, clear: int) -> bool:
    """Whether nothing has reported this failure. Only for the DAG processor: there an alert may come twice.

    ``clear`` is the number of clears of the run. A worker marks what it reports with an XCom.
    """
    name = f"{pipeline.environment}/{pipeline.id}/{run_id}/{job.name}/on_failure/"
    if any(mark.startswith(name) for mark in evidences.marks(pipeline.id, run_id, job.name)):
        return False
    return outbox.is_first(name, str(clear))


def job_failed(pipeline: Pipeline, context: Any) -> None:
    """A job failed after its last try. A mapped task only stores why: the run's alert counts them."""
    job, ti = find_job(pipeline, context), context["ti"]
    evidence = evidences.of_exception(context, job)
    if context.get("exception") is not None:  # only the process of a task can store XComs
        evidences.push(ti, evidence)
    if is_mapped(job):
        return
    if job.alerts.on_recovery:
        outbox.remember_failure(pipeline.id, job.name)
    _report(pipeline, context, _alert("on_failure", pipeline, job, context, evidence), job.alerts.on_failure)


def job_retried(pipeline: Pipeline, context: Any) -> None:
    """A job failed and is tried again. Of a mapped job, only the first task that does so is reported."""
    job, ti = find_job(pipeline, context), context["ti"]
    evidence = evidences.of_exception(context, job)
    alert = _alert("on_retry", pipeline, job, context, evidence)
    if is_mapped(job):
        if not outbox.is_first(pipeline.id, ti.run_id, job.name, str(evidence.clear)):
            return
        alert = msgspec.structs.replace(alert, summary=f"mapped task {ti.map_index}; others are not reported")
    _report(pipeline, context, alert, tuple(dict.fromkeys((*job.alerts.on_retry, *pipeline.alerts.on_retry))))


def job_succeeded(pipeline: Pipeline, context: Any) -> None:
    """A job that is not mapped succeeded."""
    job = find_job(pipeline, context)
    evidence = Evidence(clear=context["ti"].max_tries or 0, kind="")
    if job.alerts.on_recovery and outbox.forget_failure(pipeline.id, job.name):
        alert = _alert("on_recovery", pipeline, job, context, evidence)
        deliver(alert, channels(pipeline, job.alerts.on_recovery))
    if job.alerts.on_success:
        deliver(_alert("on_success", pipeline, job, context, evidence), channels(pipeline, job.alerts.on_success))


def find_job(pipeline: Pipeline, context: Any) -> Job:
    """The job of the task whose callback runs."""
    name = context["ti"].task_id
    return next(job for job in pipeline.jobs if job.name == name)


def is_mapped(job: Job) -> bool:
    """Whether Airflow runs several tasks of the job."""
    return bool(job.for_each or job.mapped_group)


def channels(pipeline: Pipeline, names: tuple[str, ...]) -> tuple[Channel, ...]:
    """The channels with these names."""
    return tuple(one for one in pipeline.channels if one.name in names)


def owner(pipeline: Pipeline) -> str:
    """Who owns the pipeline: its owners, or its team."""
    return one_line(", ".join(pipeline.owner) or pipeline.team, LONGEST_NAME)


def _report(pipeline: Pipeline, context: Any, alert: Alert, names: tuple[str, ...]) -> None:
    """Deliver an alert unless it was reported, for example by the worker before Airflow lost contact with it."""
    if not names:
        return
    ti, receivers = context["ti"], channels(pipeline, names)

    def mark() -> None:
        try:
            ti.xcom_push(key=evidences.MARK_KEY, value=["/".join(alert.incident)])
        except Exception as error:
            _log.warning("This failure may be reported twice: %s", error)

    error = context.get("exception")
    if alert.event == "on_retry" and (error is None or isinstance(error, TryLost)):
        # A try whose worker was lost is reported by the DAG processor, by the next try, or by both.
        if not outbox.is_first(*alert.incident):
            _log.info("This retry was reported already.")
        else:
            deliver(alert, receivers, PROCESSOR_SECONDS)
        return
    if error is not None:
        deliver(alert, receivers, when_stored=mark)
        return
    clear = getattr(context.get("dag_run"), "clear_number", 0) or 0
    if alert.event == "on_failure" and not is_first_report(pipeline, ti.run_id, find_job(pipeline, context), clear):
        _log.info("This failure was reported already.")
        return
    deliver(alert, receivers, PROCESSOR_SECONDS)


def _alert(event: Event, pipeline: Pipeline, job: Job, context: Any, evidence: Evidence) -> Alert:
    ti = context["ti"]
    failed = event in ("on_failure", "on_retry")
    return Alert(
        event=event,
        environment=pipeline.environment,
        pipeline=pipeline.id,
        run=one_line(ti.run_id, LONGEST_NAME),
        job=job.name,
        summary=evidence.summary if failed else "",
        sentence=evidence.sentence,
        what_to_do=evidence.what_to_do if event == "on_failure" else "",
        next_try=evidence.next_try if event == "on_retry" else "",
        kind=evidence.kind,
        tries=evidence.tries,
        log_lines=evidence.lines,
        owner=owner(pipeline),
        links=(
            links.log_link(ti.dag_id, ti.run_id, ti.task_id, ti.map_index, ti.try_number),
            links.run_link(ti.dag_id, ti.run_id),
            *links.source_link(pipeline, job.line),
            *(links.runbook_link(pipeline, evidence.kind) if failed else ()),
        ),
        clear=evidence.clear,
        number=ti.try_number if event == "on_retry" else 0,
    )
