"""The number of runs of a schedule, compared with Airflow's own timetables."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.timetables.base import TimeRestriction, Timetable
from airflow.timetables.trigger import CronTriggerTimetable, DeltaTriggerTimetable, MultipleCronTriggerTimetable

from dag_factory.config.ids import DagId
from dag_factory.config.model import Cluster, Cron, Every, Pipeline, Preset, Schedule
from dag_factory.plan.runs import count_runs, midnight, next_runs

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # the days on which summer time begins and ends in Berlin


def pipeline(schedule: Schedule, timezone: str = "UTC", **keys: str) -> Pipeline:
    keys = {"start_date": "2020-01-01", **keys}
    return Pipeline(
        id=DagId("a"), team="", name="a", file="", environment="dev", cluster=Cluster(), jobs=(), schedule=schedule,
        timezone=timezone, **keys,
    )  # fmt: skip


def airflow_count(timetable: Timetable, first: datetime, end: datetime) -> int:
    """The runs that Airflow schedules with catchup from ``first`` on."""
    restriction = TimeRestriction(pendulum.instance(first), pendulum.instance(end - timedelta(seconds=1)), True)
    count, last = 0, None
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction):
        count, last = count + 1, info.data_interval
    return count


CRONS = [
    ("0 3 * * *", "UTC", date(2026, 3, 1), 30),
    ("*/7 * * * *", "UTC", date(2026, 3, 1), 3),
    ("0 * * * *", BERLIN, SPRING, 1),
    ("0 * * * *", BERLIN, AUTUMN, 1),
    ("*/15 * * * *", BERLIN, AUTUMN, 2),
    ("30 2 * * *", BERLIN, SPRING - timedelta(3), 6),
    ("30 2 * * *", BERLIN, AUTUMN - timedelta(3), 6),
    ("0,30 1-4 * * *", BERLIN, AUTUMN, 1),
    ("0 0 1,15 * *", BERLIN, date(2026, 1, 1), 365),
    ("0 9 * * 1-5", "America/New_York", date(2026, 2, 1), 60),
    ("0 0 13 * 5", "UTC", date(2026, 1, 1), 365),
    ("0 12 29 2 *", "UTC", date(2023, 1, 1), 1500),
]


@pytest.mark.parametrize(("cron", "zone", "day", "days"), CRONS)
def test_a_cron_expression_has_the_runs_of_airflow(cron: str, zone: str, day: date, days: int) -> None:
    first, end = midnight(day, zone), midnight(day + timedelta(days), zone)
    expected = airflow_count(CronTriggerTimetable(cron, timezone=zone), first, end)
    assert count_runs(pipeline(Cron(expressions=(cron,)), zone), first, end) == expected > 0


def test_equal_times_of_two_expressions_are_one_run() -> None:
    crons = ("0 */6 * * *", "0 */4 * * *")
    first, end = midnight(date(2026, 3, 1), "UTC"), midnight(date(2026, 3, 11), "UTC")
    expected = airflow_count(MultipleCronTriggerTimetable(*crons, timezone="UTC"), first, end)
    assert count_runs(pipeline(Cron(expressions=crons)), first, end) == expected == 80


def test_an_interval_counts_from_the_start_date() -> None:
    first, end = midnight(date(2026, 3, 1), "UTC"), midnight(date(2026, 3, 31), "UTC")
    own = pipeline(Every(seconds=5 * 3600), start_date="2026-03-01T02:00:00")
    start = first + timedelta(hours=2)
    assert count_runs(own, first, end) == airflow_count(DeltaTriggerTimetable(timedelta(hours=5)), start, end)


def test_the_start_date_and_the_end_date_limit_the_runs() -> None:
    own = pipeline(Preset(name="@daily"), start_date="2026-03-10", end_date="2026-03-12")
    assert count_runs(own, midnight(date(2026, 3, 1), "UTC"), midnight(date(2026, 3, 31), "UTC")) == 3


@pytest.mark.parametrize("schedule", [Preset(name="@once"), Preset(name="@continuous")])
def test_the_number_of_some_schedules_is_not_known(schedule: Schedule) -> None:
    first = datetime(2026, 3, 1, tzinfo=ZoneInfo("UTC"))
    assert count_runs(pipeline(schedule), first, first + timedelta(30)) is None


@pytest.mark.parametrize(("cron", "zone", "day", "days"), CRONS)
def test_the_next_runs_are_those_of_airflow(cron: str, zone: str, day: date, days: int) -> None:
    del days
    moment = midnight(day, zone)
    restriction = TimeRestriction(pendulum.instance(moment + timedelta(seconds=1)), None, catchup=True)
    timetable, expected = CronTriggerTimetable(cron, timezone=zone), list[datetime]()
    last = None
    while len(expected) < 5:
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)
        assert info is not None
        last = info.data_interval
        expected.append(info.run_after)
    assert next_runs(pipeline(Cron(expressions=(cron,)), zone), moment, 5) == expected


def test_the_next_runs_end_with_the_pipeline() -> None:
    own = pipeline(Preset(name="@daily"), start_date="2026-03-10", end_date="2026-03-12")
    found = next_runs(own, midnight(date(2026, 3, 1), "UTC"), 5)
    assert [one.day for one in found] == [10, 11, 12]
    assert next_runs(pipeline(Every(seconds=60)), midnight(date(2026, 3, 1), "UTC"), 5) == []
