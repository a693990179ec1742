"""The alerts of `on_deadline`. They are sent in the triggerer, which may have no project: all data is in the arguments.

Airflow stores the arguments with the DAG, so they have no line, commit or URL.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import msgspec

from dag_factory.build.alerts import links
from dag_factory.build.alerts.alert import Alert, Deadline
from dag_factory.build.alerts.deliver import deliver
from dag_factory.build.alerts.text import LONGEST_NAME, names, one_line

_log = logging.getLogger(__name__)

_FINISHED = frozenset(("success", "failed", "skipped", "upstream_failed", "removed"))


def send_missed_deadline(stored: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Send the alert of a run, and one for each job with channels of its own that is not finished."""
    deadline = msgspec.convert(stored, Deadline)
    run = context["dag_run"]
    dag_id, run_id = str(run["dag_id"]), str(run["dag_run_id"])
    unfinished = _unfinished(dag_id, run_id)
    whole = Alert(
        event="on_deadline",
        environment=deadline.environment,
        pipeline=dag_id,
        run=one_line(run_id, LONGEST_NAME),
        summary=deadline.text,
        sentence=_sentence(deadline.text, context, str(run["state"]), unfinished),
        what_to_do=_what_to_do(str(run["state"])),
        owner=deadline.owner,
        links=(links.run_link(dag_id, run_id),),
        clear=int(run.get("clear_number") or 0),
    )
    _deliver(whole, deadline.run_channels, deadline)
    for job, channels in deadline.job_channels.items():
        if unfinished is None or job in unfinished:
            about_job = msgspec.structs.replace(
                whole, job=job, links=(links.log_link(dag_id, run_id, job), *whole.links)
            )
            _deliver(about_job, channels, deadline)


def _deliver(alert: Alert, wanted: tuple[str, ...], deadline: Deadline) -> None:
    channels = [one for one in deadline.channels if one.name in wanted]
    if channels:
        deliver(alert, channels)
    else:
        _log.info("%s. No channel is named for it.", alert.headline)


def _sentence(text: str, context: Mapping[str, Any], state: str, unfinished: Mapping[str, str] | None) -> str:
    moment = context["deadline"]["deadline_time"]
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    at = when.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    if state == "failed":
        return f"the run has failed, so it did not succeed {text} ({at})"
    jobs = [f"{name} ({what})" for name, what in (unfinished or {}).items()]
    waits_for = f"; not finished: {names(jobs, 10)}" if jobs else ""
    return f"the run did not succeed {text} ({at}). It is {state} and continues{waits_for}"


def _what_to_do(state: str) -> str:
    if state == "failed":
        return "Open the run, and read the log of the job that failed first."
    if state == "queued":
        return "Find out what the run waits for: other runs of the pipeline, or a scheduler that does not run."
    return "Open the run, and look at the jobs that are not finished. The deadline does not stop it."


def _unfinished(dag_id: str, run_id: str) -> dict[str, str] | None:
    """The jobs that are not finished, with their states; None if Airflow does not say."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    try:
        states = RuntimeTaskInstance.get_task_states(dag_id=dag_id, run_ids=[run_id]).get(run_id, {})
    except Exception as error:
        _log.warning("Cannot read the states of the jobs: %s", error)
        return None
    return {
        one_line(name, LONGEST_NAME): state or "waiting" for name, state in states.items() if state not in _FINISHED
    }
