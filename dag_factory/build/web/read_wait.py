"""What the pod of a running try waits for: the operator says so in the log of the task, and only there."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from typing import Any

from airflow.utils.log.log_reader import TaskLogReader

from dag_factory.config.units import seconds
from dag_factory.reasons.facts import PodWait

MAX_LINES = 500
"""A log with more lines is that of a pod that has started."""
_LINE = re.compile(
    r"waiting (?P<time>[0-9hms]+) for (?P<reason>.*?)(?:\. (?P<limit>The try fails after [0-9hms]+ .*))?"
)

log = logging.getLogger(__name__)


def read_wait(ti: Any) -> PodWait | None:
    """Return what the last line of the log says that the pod waits for, if it does: ``waiting 2m10s for a node``."""
    if ti.state not in ("running", "deferred"):
        return None
    try:
        return _last_wait(ti)
    except Exception as failure:  # a log that cannot be read must not hide the other reasons
        log.warning("dagwright: cannot read the log of %s: %s", ti, failure)
        return None


def _last_wait(ti: Any) -> PodWait | None:
    reader = TaskLogReader()
    if not reader.supports_read:
        return None
    stream, _ = reader.read_log_chunks(ti, ti.try_number, {})  # type: ignore[typeddict-item]
    last, written = "", None
    for number, message in enumerate(stream):
        if number >= MAX_LINES:
            return None
        text = str(getattr(message, "event", message))
        if not text.startswith("::"):  # a mark of a group
            last, written = text, getattr(message, "timestamp", None)
    return parse_wait(last, written)


def parse_wait(line: str, written: datetime | None) -> PodWait | None:
    """Return what a line of the log says that the pod waits for. The wait began before the line was ``written``."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    waited = seconds(found["time"])
    since = written - timedelta(seconds=waited) if written and waited is not None else None
    return PodWait(found["reason"], since, found["limit"] or "")
