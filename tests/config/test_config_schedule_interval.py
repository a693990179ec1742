"""How often a schedule starts a run, the same on every day that somebody asks."""

from __future__ import annotations

import pytest

from dag_factory.config import model
from dag_factory.config.workload.schedule_interval import shortest_interval

HOUR, DAY = 3600, 24 * 3600


@pytest.mark.parametrize(
    ("expressions", "seconds"),
    [
        (("* * * * *",), 60),
        (("*/5 * * * *",), 300),
        (("*/7 * * * *",), 240),  # from minute 56 to the next hour
        (("0,50 */2 * * *",), 3000),
        (("0 3 * * *",), DAY),
        (("0 3 * * 1-5",), DAY),
        (("0 3 * * 1",), 7 * DAY),
        (("59 23 * * 5", "0 0 * * 6"), 60),  # over midnight
        (("0 3 29 2 *",), 1464 * DAY),  # a leap day and none after it: at least four years
        (("30 4 1,15 * 5",), DAY),  # the days of the month and the Fridays
        (("0 0 1 1 *", "1 0 1 1 *"), 60),  # once a year is too often, too
        (("0 3 * * *", "0 3 * * *"), DAY),
    ],
)
def test_of_cron_expressions(expressions: tuple[str, ...], seconds: int) -> None:
    assert shortest_interval(model.Cron(expressions=expressions)) == seconds
    rule = model.Asset(name="a")
    assert shortest_interval(model.Assets(rule=rule, cron=expressions)) == seconds


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("@once", None),
        ("@continuous", 0),
        ("@hourly", HOUR),
        ("@daily", DAY),
        ("@weekly", 7 * DAY),
        ("@monthly", 28 * DAY),
        ("@quarterly", 90 * DAY),
        ("@yearly", 365 * DAY),
    ],
)
def test_of_presets(name: str, seconds: int | None) -> None:
    assert shortest_interval(model.Preset(name=name)) == seconds


def test_of_other_schedules() -> None:
    assert shortest_interval(model.Every(seconds=90)) == 90
    assert shortest_interval(model.Manual()) is None
    assert shortest_interval(model.Assets(rule=model.Asset(name="a"))) is None
