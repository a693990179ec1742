"""The metrics of tries. They go the way of Airflow's own metrics: StatsD or OpenTelemetry, or nowhere if both are off.

``docs/metrics.md`` describes them, and ``deploy/metrics/`` has a dashboard and alert rules. The names are stable.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk.observability import stats

from dag_factory.verdicts.history import TryRecord
from dag_factory.verdicts.next_try import NextTry

TRIES = "dagwright.tries"
"""Counter: tries that ended. ``kind`` is that of the verdict, or ``success``."""
WAITED = "dagwright.try.waited"
"""Timer: from the creation of a pod to the start of its container."""
RAN = "dagwright.try.ran"
"""Timer: from the start of a container to its end."""
CLIMBS = "dagwright.climbs"
"""Counter: failed tries after which the next one uses a larger flavor, ``next_flavor``."""
RESCHEDULES = "dagwright.reschedules"
"""Counter: failed tries that are repeated without using a retry."""

SUCCESS = "success"

_log = logging.getLogger(__name__)


def emit(context: Any, record: TryRecord, next_try: NextTry | None = None) -> None:
    """Send the metrics of a try that ended. ``next_try`` is None after a success. Never raises."""
    try:
        tags = _tags(context, record)
        stats.incr(TRIES, tags=tags)
        for name, seconds in ((WAITED, record.waited), (RAN, record.ran)):
            if seconds is not None and seconds >= 0:
                stats.timing(name, timedelta(seconds=seconds), tags=tags)
        if next_try is not None and next_try.flavor:
            stats.incr(CLIMBS, tags={**tags, "next_flavor": next_try.flavor})
        if next_try is not None and next_try.action == "reschedule":
            stats.incr(RESCHEDULES, tags=tags)
    except Exception as failure:  # how a try ends must not depend on its metrics
        _log.warning("cannot send the metrics of this try: %s", failure)


def _tags(context: Any, record: TryRecord) -> dict[str, str]:
    """The tags of a try. Airflow leaves out those that its setting ``statsd_disabled_tags`` names."""
    ti = context["ti"]
    labels = getattr(ti.task, "labels", None) or {}
    tags = {
        "kind": record.kind or SUCCESS,
        "flavor": record.flavor,
        "team": str(labels.get("dagwright/team", "")),
        "environment": str(labels.get("dagwright/environment", "")),
        "dag_id": ti.dag_id,
        "task_id": ti.task_id,
    }
    return {name: value for name, value in tags.items() if value}
