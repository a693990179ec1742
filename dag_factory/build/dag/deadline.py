"""The deadline of a pipeline as Airflow's ``DeadlineAlert``.

Airflow stores it with the DAG. So it contains only values of the pipeline itself: no line, no commit, no URL.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert

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
        callback=AsyncCallback(alert_missed_deadline, {"alert": _alert(pipeline, text)}),
        name=text,
    )


def _alert(pipeline: model.Pipeline, text: str) -> dict[str, Any]:
    """Return what the callback needs to know about the pipeline, as JSON."""
    run_channels = list(pipeline.alerts.on_deadline) if pipeline.alerts_enabled else []
    job_channels = {
        job.name: list(job.alerts.on_deadline)
        for job in pipeline.jobs
        if job.alerts.on_deadline and pipeline.alerts_enabled
    }
    used = {name for names in (run_channels, *job_channels.values()) for name in names}
    return {
        "deadline": text,
        "environment": pipeline.environment,
        "team": pipeline.team,
        "pipeline": pipeline.name,
        "file": pipeline.file,
        "owner": list(pipeline.owner),
        "run_channels": run_channels,
        "job_channels": job_channels,
        "channels": [msgspec.json.decode(msgspec.json.encode(one)) for one in pipeline.channels if one.name in used],
    }
