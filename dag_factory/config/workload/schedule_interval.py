"""The shortest interval between two runs of a schedule, in the local time of its time zone.

Results do not depend on the current date: days are those of a fixed window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from dag_factory.config import model

_FIRST, _LAST = date(2024, 1, 1), date(2028, 1, 1)  # four years: each day of the year, on different weekdays
_DAY = 24 * 60  # minutes
PRESET_CRONS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
PRESET_CRONS |= {"@quarterly": "0 0 1 */3 *", "@yearly": "0 0 1 1 *"}
"""The cron expressions of Airflow's presets."""


def shortest_interval(schedule: model.Schedule) -> int | None:
    """The shortest time between two runs in seconds; None if time does not start runs, or starts only one.

    0 for ``@continuous``, which starts a run when the previous one has ended.
    """
    if isinstance(schedule, model.Every):
        return schedule.seconds
    if isinstance(schedule, model.Preset):
        if schedule.name == "@continuous":
            return 0
        return _shortest((PRESET_CRONS[schedule.name],)) if schedule.name in PRESET_CRONS else None
    if isinstance(schedule, model.Cron):
        return _shortest(schedule.expressions)
    if isinstance(schedule, model.Assets):
        return _shortest(schedule.cron) if schedule.cron else None
    return None


@lru_cache(1024)
def _shortest(expressions: tuple[str, ...]) -> int | None:
    """The shortest gap between the times of several valid cron expressions."""
    times = {expression: times_of_day(expression) for expression in dict.fromkeys(expressions)}
    days = {expression: _days(expression) for expression in times}
    if all(found is None for found in days.values()):  # all fire every day
        return _shortest_daily([sorted({time for found in times.values() for time in found})])
    every_day = [minute for expression in times if days[expression] is None for minute in times[expression]]
    some_days: dict[date, set[int]] = {}
    for expression, found in days.items():
        for day in found or ():
            some_days.setdefault(day, set()).update(times[expression])
    count = (_LAST - _FIRST).days if every_day else 0
    dates = sorted({*some_days, *(_FIRST + timedelta(days) for days in range(count))})
    shortest: int | None = None
    last: int | None = None
    gaps: dict[tuple[int, ...], int] = {}
    for day in dates:
        minutes = tuple(sorted({*every_day, *some_days.get(day, ())}))
        first = (day - _FIRST).days * _DAY + minutes[0]
        if minutes not in gaps:
            gaps[minutes] = min((later - earlier for earlier, later in pairwise(minutes)), default=_DAY * 366 * 4)
        found_gap = min(gaps[minutes], first - last if last is not None else gaps[minutes])
        shortest = found_gap if shortest is None else min(shortest, found_gap)
        last = first - minutes[0] + minutes[-1]
    return None if shortest is None else shortest * 60


def _shortest_daily(days: Iterable[list[int]]) -> int:
    """The shortest gap if every day has the same times."""
    (minutes,) = days
    return 60 * min(later - earlier for earlier, later in pairwise([*minutes, minutes[0] + _DAY]))


def times_of_day(expression: str) -> list[int]:
    """The minutes of a day at which an expression fires."""
    from croniter import croniter  # a slow import; only pipelines with a cron expression and a limit need it

    minutes, hours = croniter.expand(expression)[0][:2]
    return [hour * 60 + minute for hour in _numbers(hours, range(24)) for minute in _numbers(minutes, range(60))]


def _numbers(field: Sequence[int | str], every: Iterable[int]) -> list[int]:
    return list(every) if "*" in field else sorted(int(one) for one in field)


def _days(expression: str) -> list[date] | None:
    """The days of the window on which an expression fires; None: every day."""
    from croniter import croniter

    fields = expression.split()
    if all(field in ("*", "?") for field in fields[2:]):
        return None
    found: list[date] = []
    times = croniter(" ".join(["0", "0", *fields[2:]]), datetime(2023, 12, 31, 12), ret_type=datetime)
    while len(found) < (_LAST - _FIRST).days:
        day = times.get_next().date()
        if day >= _LAST:
            break
        found.append(day)
    return found
