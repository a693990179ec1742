"""A pipeline's schedule as one of Airflow's timetables.

The timetables are named here and not left to Airflow's configuration, whose options
``create_cron_data_intervals`` and ``create_delta_data_intervals`` change what a cron string means. These
are the ones that Airflow 3 takes by default: a run's date is the time at which it is started.

The first run of a new pipeline is the next one, not the last one that it missed; see ``start``.
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
"""How long after its time the first run still starts.

Airflow computes the time of the first run anew whenever it parses the DAG. With no delay at all a parse between
that time and the scheduler's next look would skip the run.
"""
RELEASE_DATE = "2026-11-01"
"""Start dates before this release are in the past wherever it runs; no clock is read."""


def timetable(schedule: model.Schedule, timezone: str) -> BaseTimetable | AssetAll | AssetAny | str | None:
    """What the DAG's ``schedule`` is: None for a pipeline that is started by hand."""
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
    """The start date that Airflow is given, if any.

    With a start date in the past Airflow starts a run for the last missed time as soon as it sees the DAG, also
    without catchup. Without a start date the first run is the next one.
    """
    match pipeline.schedule:
        case model.Preset(name=name) if name in _AIRFLOW_PRESETS:
            return pipeline.start_date  # they never run without one
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
