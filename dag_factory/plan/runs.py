"""The runs that the schedule of a pipeline starts: how many between two moments, and the next ones.

The times are those of Airflow. A cron expression with every hour follows the real time, so a day on which summer time
ends has 25 runs of `0 * * * *`. Any other expression follows the clock of the time zone, and a time that the clock
skips is moved, not lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from dag_factory.config.model import Assets, Cron, Every, Pipeline, Preset
from dag_factory.config.pipelines.schedule import parse_date
from dag_factory.config.workload.schedule_interval import PRESET_CRONS, times_of_day

_ZERO, _DAY = timedelta(), timedelta(days=1)
_YEAR = timedelta(days=366)
_LONGEST_GAP = 9 * _YEAR  # more than between two leap days


def midnight(day: date, timezone_name: str) -> datetime:
    """The begin of a day in a time zone."""
    return datetime.combine(day, time(), ZoneInfo(timezone_name))


def count_runs(pipeline: Pipeline, first: datetime, end: datetime) -> int | None:
    """How many runs time starts from ``first`` up to ``end``, which is not included.

    None if time does not start the runs, or if their number does not follow from the schedule: manual pipelines,
    assets, `@once` and `@continuous`. The pipeline's start date and end date are respected.
    """
    zone = ZoneInfo(pipeline.timezone)
    start, last = _moment(pipeline.start_date, zone), _moment(pipeline.end_date, zone)
    first = max(first, start) if start else first
    end = min(end, last + timedelta(microseconds=1)) if last else end  # a run at the end date is the last one
    schedule = pipeline.schedule
    if isinstance(schedule, Every):
        return _count_every(schedule.seconds, start or first, first, end)
    expressions = cron_expressions(schedule)
    return _count_cron(expressions, pipeline.timezone, first, end) if expressions else None


def next_runs(pipeline: Pipeline, after: datetime, count: int) -> list[datetime]:
    """The times of the next runs after a moment, in UTC.

    Fewer than ``count`` if the pipeline ends. Empty if time does not start the runs, and for ``{every: ...}``, which
    counts from the last run.
    """
    zone, expressions = ZoneInfo(pipeline.timezone), cron_expressions(pipeline.schedule)
    start, last = _moment(pipeline.start_date, zone), _moment(pipeline.end_date, zone)
    first = max(after, start - timedelta(microseconds=1)) if start else after
    day = first.astimezone(zone).date()
    found: list[datetime] = []
    final = day + _LONGEST_GAP
    while expressions and day <= final:
        days = [day + timedelta(more) for more in range(_YEAR.days)]
        for moment in _moments_of(expressions, days, pipeline.timezone):
            if (last and moment > last) or len(found) == count:
                return found
            if moment > first:
                found.append(moment)
                final = day + _LONGEST_GAP
        day += _YEAR
    return found


def _moments_of(expressions: Sequence[str], days: list[date], timezone_name: str) -> Iterator[datetime]:
    """The times of some consecutive days, each once, in order."""
    parts = [(_days(one, days), times_of_day(one), _covers_every_hour(one)) for one in expressions]
    for day in days:
        todays = [(minutes, real) for on, minutes, real in parts if day in on]
        yield from sorted({one for minutes, real in todays for one in _moments(day, minutes, real, timezone_name)})


def cron_expressions(schedule: object) -> tuple[str, ...]:
    """The cron expressions of a schedule whose runs all start by time; empty for any other schedule."""
    if isinstance(schedule, Cron):
        return schedule.expressions
    if isinstance(schedule, Preset) and schedule.name in PRESET_CRONS:
        return (PRESET_CRONS[schedule.name],)
    return ()


def starts_by_itself(pipeline: Pipeline) -> bool:
    """Whether the pipeline runs without a person: it has a schedule, and a new DAG of it is not paused."""
    schedule = pipeline.schedule
    has_schedule = isinstance(schedule, (Cron, Every, Preset, Assets))
    return has_schedule and not pipeline.paused and not pipeline.stopped


def _moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    found = parse_date(text) if text else None
    if found is None:
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _count_every(seconds: int, origin: datetime, first: datetime, end: datetime) -> int:
    """The multiples of an interval, counted from ``origin``, in real time."""
    if end <= first:
        return 0
    before_end = _ceil((end - origin).total_seconds(), seconds)
    return max(0, before_end - max(0, _ceil((first - origin).total_seconds(), seconds)))


def _ceil(value: float, step: int) -> int:
    return int(-(-value // step))


@lru_cache(1024)
def _count_cron(expressions: tuple[str, ...], timezone_name: str, first: datetime, end: datetime) -> int:
    if end <= first:
        return 0
    zone = ZoneInfo(timezone_name)
    first, end = first.astimezone(zone), end.astimezone(zone)
    all_days = [first.date() + timedelta(days) for days in range((end.date() - first.date()).days + 1)]
    parts = [(_days(one, all_days), times_of_day(one), _covers_every_hour(one)) for one in expressions]
    count = 0
    usual = len({minute for _, minutes, _ in parts for minute in minutes}) if _are_daily(parts, all_days) else None
    for day in all_days:
        begin, next_begin = midnight(day, timezone_name), midnight(day + _DAY, timezone_name)
        is_whole = first <= begin and next_begin <= end and begin.utcoffset() == next_begin.utcoffset()
        if is_whole and usual is not None:
            count += usual
            continue
        todays = [(minutes, real) for days, minutes, real in parts if day in days]
        if is_whole:
            count += len({minute for minutes, _ in todays for minute in minutes})
            continue
        moments = {moment for minutes, real in todays for moment in _moments(day, minutes, real, timezone_name)}
        count += sum(1 for moment in moments if first <= moment < end)
    return count


def _are_daily(parts: Sequence[tuple[frozenset[date], list[int], bool]], all_days: list[date]) -> bool:
    return all(len(days) == len(all_days) for days, _, _ in parts)


def _days(expression: str, all_days: list[date]) -> frozenset[date]:
    """Those of some consecutive days on which an expression fires."""
    from croniter import croniter  # a slow import; only a plan with a cron expression needs it

    fields = expression.split()
    if all(field in ("*", "?") for field in fields[2:]):
        return frozenset(all_days)
    begin = datetime.combine(all_days[0], time()) - timedelta(hours=12)
    days = croniter(" ".join(["0", "0", *fields[2:]]), begin, ret_type=datetime)
    found = []
    while (day := days.get_next().date()) <= all_days[-1]:
        found.append(day)
    return frozenset(found)


@lru_cache(1024)
def _covers_every_hour(expression: str) -> bool:
    """Whether Airflow counts the times of an expression in real time."""
    from croniter import croniter

    return bool(croniter.expand(expression)[0][1] == ["*"])


def _moments(day: date, minutes: list[int], real: bool, timezone_name: str) -> Iterator[datetime]:
    """The times of one day, in UTC."""
    zone = ZoneInfo(timezone_name)
    if not real:
        for minute in minutes:
            local = datetime.combine(day, time(minute // 60, minute % 60), zone)
            # A time that the clock has twice is the second one; a time that it skips is after the gap.
            offset = min(local.utcoffset() or _ZERO, local.replace(fold=1).utcoffset() or _ZERO)
            yield local.replace(tzinfo=timezone.utc) - offset
        return
    past_hour = {minute % 60 for minute in minutes}
    moment, end = (midnight(one, timezone_name).astimezone(timezone.utc) for one in (day, day + _DAY))
    while moment < end:
        if moment.astimezone(zone).minute in past_hour:
            yield moment
        moment += timedelta(minutes=1)
