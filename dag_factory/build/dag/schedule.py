"""Turn a pipeline's schedule into one of Airflow's timetables.

The timetable classes are explicit. A plain cron string would depend on Airflow's options
``create_cron_data_intervals`` and ``create_delta_data_intervals``, which change its meaning. These classes are the
defaults of Airflow 3: the date of a run is the time at which it starts.

A new pipeline first runs at its next time, not at the last time that it missed; see
``config.workload.first_run``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import (
    Asset,
    AssetAll,
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)
from airflow.sdk.bases.timetable import BaseTimetable

from dag_factory.build.task.assets import asset
from dag_factory.config import model
from dag_factory.config.workload.first_run import AIRFLOW_PRESETS

_FIRST_RUN_DELAY = timedelta(minutes=1)
"""How late the first run may start.

Airflow computes the time of the first run again at each parse of the DAG. With a delay of zero, a parse between that
time and the scheduler's next check would skip the run.
"""


def timetable(schedule: model.Schedule, timezone: str) -> BaseTimetable | AssetAll | AssetAny | str | None:
    """Return the ``schedule`` argument of the DAG; None for a pipeline that is started by hand."""
    match schedule:
        case model.Manual():
            return None
        case model.Preset(name=name) if name in AIRFLOW_PRESETS:
            return name
        case model.Preset(name=name):
            return _cron((name,), timezone)
        case model.Cron(expressions=expressions):
            return _cron(expressions, timezone)
        case model.Every(seconds=seconds):
            return DeltaTriggerTimetable(timedelta(seconds=seconds))
        case model.Assets(rule=rule, cron=()):
            return _condition(rule)
        case model.Assets(rule=rule, cron=expressions):
            return AssetOrTimeSchedule(timetable=_cron(expressions, timezone), assets=_condition(rule))


def _cron(expressions: tuple[str, ...], timezone: str) -> BaseTimetable:
    if len(expressions) == 1:
        return CronTriggerTimetable(expressions[0], timezone=timezone, run_immediately=_FIRST_RUN_DELAY)
    return MultipleCronTriggerTimetable(*expressions, timezone=timezone, run_immediately=_FIRST_RUN_DELAY)


def _condition(rule: model.AssetRule) -> AssetAll | AssetAny:
    match rule:
        case model.Asset():
            return AssetAll(asset(rule))
        case model.AllOf(of=parts):
            return AssetAll(*map(_part, parts))
        case model.AnyOf(of=parts):
            return AssetAny(*map(_part, parts))


def _part(rule: model.AssetRule) -> Asset | AssetAll | AssetAny:
    return asset(rule) if isinstance(rule, model.Asset) else _condition(rule)
