"""The deadline of a pipeline as Airflow's ``DeadlineAlert``.

Airflow stores it with the DAG. So it contains only values of the pipeline itself: no line, no commit, no URL.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert

from dag_factory.build.alerts.alert import Deadline
from dag_factory.build.deadlines import RunQueued, TimeOfDay, alert_missed_deadline
from dag_factory.build.pages.wording import deadline_text
from dag_factory.config import model


def deadline_alert(pipeline: model.Pipeline) -> DeadlineAlert | None:
    """Return the ``deadline`` argument of the DAG; None if the pipeline has no deadline.

    A deadline without channels is also shown in Airflow, so it is built, too.
    """
    reference: BaseDeadlineReference
    if pipeline.deadline_by is not None:
        reference, interval = TimeOfDay(pipeline.deadline_by, pipeline.timezone), timedelta(0)
    elif pipeline.deadline is not None:
        reference, interval = RunQueued(), timedelta(seconds=pipeline.deadline)
    else:
        return None
    text = deadline_text(pipeline)
    return DeadlineAlert(
        reference=reference,
        interval=interval,
        callback=AsyncCallback(alert_missed_deadline, {"alert": _stored(pipeline, text)}),
        name=text,
    )


def _stored(pipeline: model.Pipeline, text: str) -> dict[str, Any]:
    """Return what the callback needs to know about the pipeline, as JSON."""
    run_channels: tuple[str, ...] = ()
    job_channels: dict[str, tuple[str, ...]] = {}
    if pipeline.alerts_enabled:
        run_channels = pipeline.alerts.on_deadline
        job_channels = {job.name: job.alerts.on_deadline for job in pipeline.jobs if job.alerts.on_deadline}
    used = {name for names in (run_channels, *job_channels.values()) for name in names}
    stored = Deadline(
        text=text,
        environment=pipeline.environment,
        owner=", ".join(pipeline.owner) or pipeline.team,
        run_channels=run_channels,
        job_channels=job_channels,
        channels=tuple(one for one in pipeline.channels if one.name in used),
    )
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(stored))
    return found
