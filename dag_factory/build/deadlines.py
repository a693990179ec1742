"""The deadline of a run: when it is, and what happens when a run misses it.

Airflow stores the paths of the classes and of ``alert_missed_deadline`` with each DAG and imports them later, in the
scheduler, the API server and the triggerer. So this module and these names must never move. It imports nothing large,
because the plugin registers the classes in every process of Airflow.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from airflow.sdk.definitions.deadline import BaseDeadlineReference


class RunQueued(BaseDeadlineReference):
    """The moment at which a run is queued.

    Airflow has such a reference, ``DagRunQueuedAtDeadline``. But Airflow 3.3 cannot clear a task of a run that has it
    (apache/airflow#70368).
    """

    required_kwargs: ClassVar[set[str]] = {"dag_id", "run_id"}

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime:
        return _queued_at(session, dag_id, run_id)


@dataclass(eq=False)
class TimeOfDay(BaseDeadlineReference):
    """The first moment after a run is queued at which the clock of ``timezone`` shows ``by``, such as ``07:00``."""

    by: str = "00:00"
    timezone: str = "UTC"
    required_kwargs: ClassVar[set[str]] = {"dag_id", "run_id"}

    def serialize_reference(self) -> dict[str, Any]:
        """Return what Airflow stores."""
        return {**super().serialize_reference(), "by": self.by, "timezone": self.timezone}

    @classmethod
    def deserialize_reference(cls, reference_data: dict[str, Any]) -> TimeOfDay:
        """Return the reference that ``serialize_reference`` stored."""
        return cls(reference_data["by"], reference_data["timezone"])

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime:
        return next_time(self.by, self.timezone, _queued_at(session, dag_id, run_id))


REFERENCES: list[type[BaseDeadlineReference]] = [RunQueued, TimeOfDay]
"""For the plugin: Airflow evaluates only references that a plugin registers."""


def next_time(by: str, timezone_name: str, after: datetime) -> datetime:
    """Return the first moment after ``after``, in UTC, at which the clock of the zone shows ``by``.

    If the clock skips ``by`` because summer time begins, the moment is as much later on the clock as the clock is
    moved. If the clock shows ``by`` twice because summer time ends, each of the two moments counts.
    """
    zone = ZoneInfo(timezone_name)
    clock = time.fromisoformat(by)
    first_day = after.astimezone(zone).date()
    moments = (
        moment
        for days in range(3)  # on the day itself, and later if the time has passed or the zone skips a whole day
        for moment in _moments(datetime.combine(first_day + timedelta(days=days), clock), zone)
    )
    return min(moment for moment in moments if moment > after)


def _moments(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the moments at which the clock of the zone shows ``local``: one, or two if summer time ends."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1))
    # In a skipped hour, the second fold gives an earlier moment than the first.
    return [first, second] if second > first else [first]


def _queued_at(session: Any, dag_id: str, run_id: str) -> datetime:
    from airflow.models import DagRun  # only the scheduler and the API server evaluate references
    from sqlalchemy import select

    query = select(DagRun.queued_at, DagRun.run_after).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
    queued_at, run_after = session.execute(query).one()
    moment: datetime = queued_at or run_after  # a run that is created in another state is never queued
    return moment


async def alert_missed_deadline(alert: dict[str, Any], context: dict[str, Any]) -> None:
    """Send the alerts of ``on_deadline``; Airflow's triggerer calls this when a run misses its deadline.

    ``alert`` is what ``build/dag/deadline.py`` stored with the DAG. ``context`` has the run and the deadline.
    """
    from dag_factory.build.alerts.missed_deadline import send_missed_deadline

    await asyncio.to_thread(send_missed_deadline, alert, context)  # a mail server must not hold up the triggers
