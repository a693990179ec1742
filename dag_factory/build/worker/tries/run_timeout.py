"""The timeout of a run: why the worker of a try was told to end.

When a run takes longer than its ``timeout``, the scheduler fails the run and skips its unfinished tasks. A running task
is then told to end, like a task that somebody marks. Airflow gives the process no reason, but the times show it.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from dag_factory.build.worker.errors import RunTimedOut


def find_run_timeout(context: Any) -> RunTimedOut | None:
    """Return the failure if the run has timed out."""
    limit = getattr(context.get("dag"), "dagrun_timeout", None)
    start = getattr(context.get("dag_run"), "start_date", None)
    if not (isinstance(limit, timedelta) and isinstance(start, datetime)):
        return None
    if datetime.now(timezone.utc) < start + limit:
        return None
    return RunTimedOut(int(limit.total_seconds()))
