"""A pipeline's schedule as one of Airflow's timetables.

The timetables are named here and not left to Airflow's configuration, whose options
``create_cron_data_intervals`` and ``create_delta_data_intervals`` change what a cron string means. These
are the ones that Airflow 3 takes by default: a run's date is the time at which it is started.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, DeltaTriggerTimetable, MultipleCronTriggerTimetable
from airflow.sdk.bases.timetable import BaseTimetable

from dag_factory.config import model

_PLAIN = frozenset({"@once", "@continuous"})


def timetable(schedule: model.Schedule, timezone: str) -> BaseTimetable | str | None:
    """What the DAG's ``schedule`` is: None for a pipeline that is started by hand."""
    match schedule:
        case model.Manual():
            return None
        case model.Preset(name=name) if name in _PLAIN:
            return name
        case model.Preset(name=name):
            return CronTriggerTimetable(name, timezone=timezone)
        case model.Cron(expressions=(expression,)):
            return CronTriggerTimetable(expression, timezone=timezone)
        case model.Cron(expressions=expressions):
            return MultipleCronTriggerTimetable(*expressions, timezone=timezone)
        case model.Every(seconds=seconds):
            return DeltaTriggerTimetable(timedelta(seconds=seconds))
