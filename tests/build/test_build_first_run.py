"""When a scheduled pipeline first runs, by Airflow's timetables at fixed times."""

from __future__ import annotations

from typing import Any

import pendulum
import pytest
from building import a_pipeline, built

from dag_factory.config import model

MONDAY = "2026-11-30T12:00:00+01:00"
FRIDAYS = model.Cron(expressions=("45 20 * * 5",))


def first_run(monkeypatch: pytest.MonkeyPatch, now: str, **fields: Any) -> str | None:
    """The time of the first run that the scheduler plans. The scheduler has only the serialized DAG."""
    return next_run(monkeypatch, now, None, **fields)


def next_run(monkeypatch: pytest.MonkeyPatch, now: str, last: str | None, **fields: Any) -> str | None:
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import DagRunInfo

    monkeypatch.setattr("airflow.timetables.trigger.utcnow", lambda: pendulum.parse(now).in_timezone("UTC"))  # type: ignore[union-attr]
    monkeypatch.setattr("airflow.timetables.trigger.time.time", lambda: pendulum.parse(now).timestamp())  # type: ignore[union-attr]
    pipeline = a_pipeline(**{"timezone": "Europe/Berlin", **fields})
    dag: Any = DagSerialization.from_dict(DagSerialization.to_dict(built(pipeline)))
    moment: Any = pendulum.parse(last) if last else None
    before = DagRunInfo.interval(moment, moment) if moment else None
    info = dag.next_dagrun_info(last_automated_run_info=before)
    return info.run_after.in_timezone("Europe/Berlin").isoformat() if info else None


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (FRIDAYS, "2026-12-04T20:45:00+01:00"),
        (model.Preset(name="@daily"), "2026-12-01T00:00:00+01:00"),
        (model.Preset(name="@weekly"), "2026-12-06T00:00:00+01:00"),
        (model.Cron(expressions=("45 20 * * 5", "0 8 * * 3")), "2026-12-02T08:00:00+01:00"),
        (model.Assets(rule=model.Asset(name="a"), cron=("45 20 * * 5",)), "2026-12-04T20:45:00+01:00"),
    ],
)
@pytest.mark.parametrize("start", ["2024-01-01", "2026-01-31"])
def test_the_first_run_is_at_the_next_time(
    monkeypatch: pytest.MonkeyPatch, schedule: model.Schedule, expected: str, start: str
) -> None:
    assert first_run(monkeypatch, MONDAY, schedule=schedule, start_date=start) == expected


def test_a_parse_just_after_the_time_of_the_first_run_does_not_skip_it(monkeypatch: pytest.MonkeyPatch) -> None:
    due = "2026-12-04T20:45:00+01:00"
    assert first_run(monkeypatch, "2026-12-04T20:45:40+01:00", schedule=FRIDAYS) == due
    assert first_run(monkeypatch, "2026-12-04T20:47:00+01:00", schedule=FRIDAYS) == "2026-12-11T20:45:00+01:00"


@pytest.mark.parametrize("start", ["2027-03-01", "2027-03-01T00:00:00Z"])
def test_a_start_in_the_future_is_kept(monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    first = first_run(monkeypatch, MONDAY, schedule=FRIDAYS, start_date=start)
    assert first == "2027-03-05T20:45:00+01:00"


def test_catchup_begins_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    first = first_run(monkeypatch, MONDAY, schedule=FRIDAYS, start_date="2026-01-31", catchup=True)
    assert first == "2026-02-06T20:45:00+01:00"


@pytest.mark.parametrize("name", ["@once", "@continuous"])
def test_schedules_that_need_a_start_run(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert first_run(monkeypatch, MONDAY, schedule=model.Preset(name=name)) is not None


def test_after_a_pause_the_last_missed_run_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    last = next_run(monkeypatch, MONDAY, "2026-11-06T20:45:00+01:00", schedule=FRIDAYS)
    assert last == "2026-11-27T20:45:00+01:00"


def test_without_a_start_the_timezone_is_the_pipelines() -> None:
    dag = built(a_pipeline(schedule=FRIDAYS, timezone="Europe/Berlin"))
    assert (dag.start_date, str(dag.timezone)) == (None, "Europe/Berlin")
