"""A pipeline's schedule as one of Airflow's timetables.

The timetables are named here and not left to Airflow's configuration, whose options
``create_cron_data_intervals`` and ``create_delta_data_intervals`` change what a cron string means. These
are the ones that Airflow 3 takes by default: a run's date is the time at which it is started.
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

from dag_factory.config import model

_PLAIN = frozenset({"@once", "@continuous"})


def timetable(schedule: model.Schedule, timezone: str) -> BaseTimetable | AssetAll | AssetAny | str | None:
    """What the DAG's ``schedule`` is: None for a pipeline that is started by hand."""
    match schedule:
        case model.Manual():
            return None
        case model.Preset(name=name) if name in _PLAIN:
            return name
        case model.Preset(name=name):
            return CronTriggerTimetable(name, timezone=timezone)
        case model.Cron(expressions=expressions):
            return _cron(expressions, timezone)
        case model.Every(seconds=seconds):
            return DeltaTriggerTimetable(timedelta(seconds=seconds))
        case model.Assets(rule=rule, cron=()):
            return _condition(rule)
        case model.Assets(rule=rule, cron=expressions):
            return AssetOrTimeSchedule(timetable=_cron(expressions, timezone), assets=_condition(rule))


def asset(what: model.Asset) -> Asset:
    """An asset, under the name and the URI that it has in every pipeline."""
    return Asset(name=what.name, uri=what.uri or what.name)


def _cron(expressions: tuple[str, ...], timezone: str) -> BaseTimetable:
    if len(expressions) == 1:
        return CronTriggerTimetable(expressions[0], timezone=timezone)
    return MultipleCronTriggerTimetable(*expressions, timezone=timezone)


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
