"""The alerts that are not sent yet, as Airflow variables.

Variables are the only storage of Airflow that workers, the DAG processor and the triggerer can all write. An alert is
stored before it is sent and removed afterwards, so it is not lost if the process ends in between.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator

import msgspec

from dag_factory.build.alerts.alert import Alert, Kept
from dag_factory.config.model import Channel

PREFIX = "dagwright_alert_"
FAILING_PREFIX = "dagwright_failing_"
REPORTED_PREFIX = "dagwright_reported_"
MARK_SECONDS = 7 * 24 * 60 * 60
_DESCRIPTION = "An alert of dagwright that is not sent yet. The DAG _dagwright.alerts sends and removes it."
_REPORTED = "An alert was sent, and must not be sent again. The DAG _dagwright.alerts removes this after a week."
_FAILING = "A failure, stored until the next success for an alert of `on_recovery`."

_log = logging.getLogger(__name__)


def key_of(alert: Alert, channel: Channel) -> str:
    """The name of the variable: the same incident and channel have the same name."""
    return PREFIX + _digest(*alert.incident, channel.name)


def put(key: str, kept: Kept) -> None:
    """Store an alert."""
    from airflow.sdk import Variable

    Variable.set(key, msgspec.json.encode(kept).decode(), description=_DESCRIPTION)


def remove(key: str) -> None:
    """Remove an alert that was sent or given up."""
    from airflow.sdk import Variable

    Variable.delete(key)


def all_kept() -> Iterator[tuple[str, Kept]]:
    """Every alert that waits, with its key. One that cannot be read is removed."""
    from airflow.sdk import Variable

    for key in list(Variable.keys(prefix=PREFIX)):
        value = Variable.get(key, default=None)
        if value is None:  # sent in the meantime
            continue
        try:
            yield key, msgspec.json.decode(value, type=Kept)
        except msgspec.DecodeError as error:
            _log.error("The variable %s is not an alert, so it is removed: %s", key, error)
            remove(key)


def remember_failure(pipeline: str, job: str) -> None:
    """Remember that a job failed, or a run if ``job`` is empty."""
    from airflow.sdk import Variable

    Variable.set(_failing_key(pipeline, job), f"{pipeline} {job}".strip(), description=_FAILING)


def forget_failure(pipeline: str, job: str) -> bool:
    """Forget the failure of a job or run. Returns whether there was one."""
    from airflow.sdk import Variable

    key = _failing_key(pipeline, job)
    if key not in list(Variable.keys(prefix=key)):  # unlike `get`, this asks no secrets backend
        return False
    Variable.delete(key)
    return True


def is_first(*parts: str) -> bool:
    """Whether this is the first call with these parts. Two calls at the same moment may both be the first."""
    from airflow.sdk import Variable

    key = REPORTED_PREFIX + _digest(*parts)
    if key in list(Variable.keys(prefix=key)):
        return False
    Variable.set(key, str(int(time.time())), description=_REPORTED)
    return True


def remove_old_marks(now: float) -> None:
    """Remove the marks of ``is_first`` that are older than a week: their runs have ended."""
    from airflow.sdk import Variable

    for key in list(Variable.keys(prefix=REPORTED_PREFIX)):
        stored = str(Variable.get(key, default="0"))
        if not stored.isdigit() or now - int(stored) > MARK_SECONDS:
            Variable.delete(key)


def _failing_key(pipeline: str, job: str) -> str:
    return FAILING_PREFIX + _digest(pipeline, job)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
