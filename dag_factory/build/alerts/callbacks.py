"""The callbacks that send alerts, for the tasks and the DAG of a pipeline.

Airflow stores only that a task or a DAG has callbacks. So an edit of a channel makes no new version of a DAG.
This module imports nothing large: it is imported at each parse, and what sends alerts only when an alert is due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from dag_factory.config.model import Alerts, Job, Pipeline

SECONDS = 15.0
"""How long a callback of a task may take in a worker. Airflow ends its process 20 s after the end of the task."""

NONE = Alerts()

_log = logging.getLogger(__name__)


class AlertCallbacks:
    """The callbacks of one pipeline, shared by all its tasks."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        run, jobs = pipeline.alerts, pipeline.jobs
        mapped = [job.alerts for job in jobs if (job.for_each or job.mapped_group) and job.alerts != NONE]
        of_mapped = any(one.on_failure or one.on_recovery or one.on_success for one in mapped)
        of_jobs = any(job.alerts.on_failure for job in jobs)
        # A run succeeds although a job failed only if another job runs after failures. Most pipelines have none, and
        # need no callback at each success, for which the DAG processor would parse the whole file.
        hides_failures = any(job.trigger_rule != "all_success" or job.teardown_of for job in jobs)
        self._on_run_failure = bool(run.on_failure or run.on_recovery) or of_mapped or of_jobs
        self._on_run_success = bool(run.on_success or run.on_recovery) or of_mapped or (of_jobs and hides_failures)

    def __deepcopy__(self, _memo: Any) -> AlertCallbacks:
        return self

    def of_dag(self) -> dict[str, Callable[[Any], None]]:
        """The arguments of the DAG."""
        arguments: dict[str, Callable[[Any], None]] = {}
        if self._on_run_failure:
            arguments["on_failure_callback"] = self.run_failed
        if self._on_run_success:
            arguments["on_success_callback"] = self.run_succeeded
        return arguments

    def of_task(self, job: Job) -> dict[str, Callable[[Any], None]]:
        """The arguments of a task."""
        run, own = self._pipeline.alerts, job.alerts
        is_mapped = bool(job.for_each or job.mapped_group)
        arguments: dict[str, Callable[[Any], None]] = {}
        if own.on_failure or own.on_recovery or run.on_failure:
            arguments["on_failure_callback"] = self.job_failed
        if own.on_retry or run.on_retry:
            arguments["on_retry_callback"] = self.job_retried
        if (own.on_success or own.on_recovery) and not is_mapped:
            arguments["on_success_callback"] = self.job_succeeded
        return arguments

    def job_failed(self, context: Any) -> None:
        """A task failed after its last try."""
        from dag_factory.build.alerts.job_alerts import job_failed

        _guard(lambda: job_failed(self._pipeline, context), _limit(context))

    def job_retried(self, context: Any) -> None:
        """A task failed and is tried again."""
        from dag_factory.build.alerts.job_alerts import job_retried

        _guard(lambda: job_retried(self._pipeline, context), _limit(context))

    def job_succeeded(self, context: Any) -> None:
        """A task succeeded."""
        from dag_factory.build.alerts.job_alerts import job_succeeded

        _guard(lambda: job_succeeded(self._pipeline, context), SECONDS)

    def run_failed(self, context: Any) -> None:
        """A run failed."""
        from dag_factory.build.alerts.run_alerts import run_ended

        _guard(lambda: run_ended(self._pipeline, context, failed=True))

    def run_succeeded(self, context: Any) -> None:
        """A run succeeded."""
        from dag_factory.build.alerts.run_alerts import run_ended

        _guard(lambda: run_ended(self._pipeline, context, failed=False))


def alert_callbacks(pipeline: Pipeline) -> AlertCallbacks | None:
    """The callbacks of a pipeline; None if it sends no alerts."""
    return AlertCallbacks(pipeline) if pipeline.alerts_enabled and pipeline.channels else None


def _limit(context: Any) -> float | None:
    """The time limit of a callback. In the DAG processor there is none: its API may be slow, and nobody waits."""
    return SECONDS if context.get("exception") is not None else None


def _guard(send: Callable[[], None], seconds: float | None = None) -> None:
    """Run ``send``. An error in it is logged, and changes nothing about the task."""
    from dag_factory.build.alerts.channels.send import Work

    try:
        if seconds is None:
            send()
        else:
            Work(send).result(seconds)
    except TimeoutError:
        _log.warning("The alerts took longer than %d s. Those that are stored are sent later.", SECONDS)
    except Exception:
        _log.exception("The alerts of this task or run failed.")
