"""The records of a task's tries: in Airflow's state store for the next try, and as an XCom for the UI.

Airflow clears the XComs of a task when a try starts, so each try stores the records of all tries again.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import msgspec

from dag_factory.config.model import Job
from dag_factory.config.units import size_text
from dag_factory.verdicts.evidence.model import Container, Pod
from dag_factory.verdicts.history import KEY, History, TryRecord, add_try, read_history
from dag_factory.verdicts.next_try import NextTry, what_to_do
from dag_factory.verdicts.verdict import Verdict

XCOM_KEY = "tries"
"""The XCom with the records, which Airflow's UI shows after the run."""
STARTED_KEY = "started"
"""The XCom with the records of the earlier tries and the one that runs: for an alert, if its worker is killed."""

_log = logging.getLogger(__name__)


def make_record(
    number: int, job: Job | None, pod: Pod | None, verdict: Verdict | None = None, next_try: NextTry | None = None
) -> TryRecord:
    """The record of a try that ended. ``pod`` is its pod, as it was last seen; ``verdict`` is None for a success."""
    base = pod.base if pod else None
    waited, ran = _times(pod, base)
    amounts = (base.limits or base.requests) if base else {}
    return TryRecord(
        number=number,
        flavor=job.flavor.name if job else "",
        size=size_text(amounts),
        cost_per_hour=job.flavor.cost_per_hour if job else None,
        pod=pod.name if pod else "",
        node=pod.node if pod else "",
        kind=verdict.kind if verdict else None,
        sentence=verdict.sentence if verdict else "",
        what_to_do=what_to_do(verdict, next_try) if verdict else "",
        next_try=f"{next_try.sentence}." if next_try else "",
        exit_code=_exit_code(base, verdict),
        waited=waited,
        ran=ran,
    )


def load(context: Any) -> History:
    """The records of the earlier tries; empty if there are none, or if the task was cleared since then."""
    stored, store = None, context.get("task_state_store")
    if store is not None:
        try:
            stored = store.get(KEY)
        except Exception as failure:  # the verdict of this try matters more
            _log.warning("cannot read the records of earlier tries: %s", failure)
    return read_history(stored, context["ti"].max_tries or 0)


def save(context: Any, history: History) -> None:
    """Store the records. An error is logged: it must not change how the try ends."""
    value = msgspec.json.decode(msgspec.json.encode(history))  # lists: Airflow rejects tuples
    try:
        if (store := context.get("task_state_store")) is not None:
            store.set(KEY, value)
        context["ti"].xcom_push(key=XCOM_KEY, value=value.get("tries", []))
    except Exception as failure:
        _log.warning("cannot store the record of this try: %s", failure)


def save_started(context: Any, history: History, job: Job | None) -> None:
    """Store the earlier tries and the one that starts. Nothing else shows them if its worker is killed."""
    started = make_record(context["ti"].try_number, job, None)
    tries = add_try(history, msgspec.structs.replace(started, size=_size(job))).tries
    try:
        context["ti"].xcom_push(key=STARTED_KEY, value=msgspec.json.decode(msgspec.json.encode(tries)))
    except Exception as failure:
        _log.warning("cannot store the records of earlier tries: %s", failure)


def _size(job: Job | None) -> str:
    return size_text(job.flavor.limits or job.flavor.requests) if job else ""


def _times(pod: Pod | None, base: Container | None) -> tuple[float | None, float | None]:
    """Seconds before and after the start of the container. One that has not started has waited until now."""
    if pod is None:
        return None, None
    end = base.end if base else None
    started = end.started if end else base.started if base else None
    if started is None and end is None and pod.created:
        return max(0.0, time.time() - pod.created), None
    waited = started - pod.created if started and pod.created else None
    ran = end.finished - started if end and end.finished and started else None
    return waited, ran


def _exit_code(base: Container | None, verdict: Verdict | None) -> int | None:
    if verdict is not None and verdict.exit_code is not None:
        return verdict.exit_code
    return base.end.exit_code if base and base.end else None
