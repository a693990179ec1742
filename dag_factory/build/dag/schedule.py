"""Turn a pipeline's schedule into one of Airflow's timetables.

The timetable classes are explicit. A plain cron string would depend on Airflow's options
``create_cron_data_intervals`` and ``create_delta_data_intervals``, which change its meaning. These classes are the
defaults of Airflow 3: the date of a run is the time at which it starts.

A new pipeline first runs at its next time, not at the last time that it missed; see ``start_date``.
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

_AIRFLOW_PRESETS = frozenset({"@once", "@continuous"})
_FIRST_RUN_DELAY = timedelta(minutes=1)
"""How late the first run may start.

Airflow computes the time of the first run again at each parse of the DAG. With a delay of zero, a parse between that
time and the scheduler's next check would skip the run.
"""
RELEASE_DATE = "2026-11-01"
"""The date of this release; move it at each release.

A start date before it is in the past wherever this code runs, so no clock has to be read.
"""


def timetable(schedule: model.Schedule, timezone: str) -> BaseTimetable | AssetAll | AssetAny | str | None:
    """Return the ``schedule`` argument of the DAG; None for a pipeline that is started by hand."""
    match schedule:
        case model.Manual():
            return None
        case model.Preset(name=name) if name in _AIRFLOW_PRESETS:
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


def start_date(pipeline: model.Pipeline) -> str | None:
    """Return the start date that Airflow gets, if any.

    If the start date is in the past, Airflow immediately starts a run for the last missed time, even without catchup.
    Without a start date the first run is at the next time.
    """
    match pipeline.schedule:
        case model.Preset(name=name) if name in _AIRFLOW_PRESETS:
            return pipeline.start_date  # without a start date they never run
        case model.Preset() | model.Cron() | model.Assets(cron=(_, *_)) if not pipeline.catchup:
            return None if pipeline.start_date < RELEASE_DATE else pipeline.start_date
    return pipeline.start_date


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
