"""What the pod of a running try waits for: the operator says so in the log of the task, and only there."""

from __future__ import annotations

import logging
from typing import Any

from airflow.utils.log.log_reader import TaskLogReader

MAX_LINES = 500
"""A log with more lines is that of a pod that has started."""
WAITING = "waiting "

log = logging.getLogger(__name__)


def read_wait(ti: Any) -> str:
    """Return the last line of the log if it says that the pod waits: ``waiting 2m10s for a node: ...``."""
    if ti.state not in ("running", "deferred"):
        return ""
    try:
        return _last_wait(ti)
    except Exception as failure:  # a log that cannot be read must not hide the other reasons
        log.warning("dagwright: cannot read the log of %s: %s", ti, failure)
        return ""


def _last_wait(ti: Any) -> str:
    reader = TaskLogReader()
    if not reader.supports_read:
        return ""
    stream, _ = reader.read_log_chunks(ti, ti.try_number, {})  # type: ignore[typeddict-item]
    last = ""
    for number, message in enumerate(stream):
        if number >= MAX_LINES:
            return ""
        text = str(getattr(message, "event", message))
        if not text.startswith("::"):  # a mark of a group
            last = text
    return last if last.startswith(WAITING) else ""
