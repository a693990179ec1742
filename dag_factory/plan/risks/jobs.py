"""Risks of how failures are handled: removed jobs, retries, timeouts and alerts."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.model import Alerts, Job, Pipeline
from dag_factory.config.units import duration_text
from dag_factory.plan.risks.finding import Finding

_SHOWN = 5
_EVENTS = {
    "on_failure": "fails",
    "on_deadline": "misses its deadline",
    "on_retry": "is retried",
    "on_recovery": "recovers",
}


def find(before: Pipeline, after: Pipeline) -> Iterator[Finding]:
    """The risks of a pipeline and its jobs, without those of the pods."""
    yield from _removed(before, after)
    yield from _deadline(before, after)
    yield from _alerts(before, after)
    if before.timeout and not after.timeout:
        sentence = f"A run has no time limit any more; it was {duration_text(before.timeout)}."
        yield Finding("timeout-removed", sentence, fields=("timeout",))
    old = {job.name: job for job in before.jobs}
    for job in after.jobs:
        if job.name in old:
            yield from _job(old[job.name], job)


def _removed(before: Pipeline, after: Pipeline) -> Iterator[Finding]:
    remaining = {job.name for job in after.jobs}
    for job in before.jobs:
        waiting = [other.name for other in before.jobs if job.name in other.depends_on and other.name in remaining]
        if job.name not in remaining and waiting:
            names = ", ".join(f"`{name}`" for name in waiting[:_SHOWN])
            more = f" and {len(waiting) - _SHOWN:,} more" if len(waiting) > _SHOWN else ""
            sentence = f"The job `{job.name}` is removed. It ran before {names}{more}."
            yield Finding("job-removed", sentence, job.name)


def _deadline(before: Pipeline, after: Pipeline) -> Iterator[Finding]:
    old = before.deadline_by or (duration_text(before.deadline) if before.deadline else "")
    if old and not (after.deadline_by or after.deadline):
        yield Finding("alerts-reduced", f"The deadline `{old}` is removed.", fields=("deadline",))


def _alerts(before: Pipeline, after: Pipeline) -> Iterator[Finding]:
    has_alerts = bool(before.channels)
    if has_alerts and before.alerts_enabled and not after.alerts_enabled:
        sentence = f"The environment `{after.environment}` sends no alerts any more."
        yield Finding("alerts-reduced", sentence, fields=("alerts",))
    yield from _events(before.alerts, after.alerts, "")
    old = {job.name: job.alerts for job in before.jobs}
    for job in after.jobs:
        yield from _events(old.get(job.name, Alerts()), job.alerts, job.name)


def _events(before: Alerts, after: Alerts, job: str) -> Iterator[Finding]:
    if before == after:
        return
    for event, words in _EVENTS.items():
        if getattr(before, event) and not getattr(after, event):
            sentence = f"Nobody is notified any more when the {'job' if job else 'pipeline'} {words}."
            yield Finding("alerts-reduced", sentence, job, fields=(f"alerts.{event}", "alerts"))


def _job(before: Job, after: Job) -> Iterator[Finding]:
    if before.retries.count and not after.retries.count:
        sentence = f"A failed try is not repeated any more; `retries` was {before.retries.count}."
        yield Finding("retries-removed", sentence, after.name, fields=("retries",))
    if before.timeout and not after.timeout:
        sentence = f"The job has no time limit any more; it was {duration_text(before.timeout)}."
        yield Finding("timeout-removed", sentence, after.name, fields=("timeout", "spec.activeDeadlineSeconds"))
