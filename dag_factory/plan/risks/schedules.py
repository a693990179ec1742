"""Risks of when a pipeline runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from dag_factory.config.model import Pipeline, Preset
from dag_factory.plan.risks.finding import Finding
from dag_factory.plan.runs import count_runs, midnight, starts_by_itself

_FIELDS = ("schedule", "timezone", "start_date", "paused")
_YEAR = 365


def find(before: Pipeline | None, after: Pipeline, today: date, is_new: bool) -> Iterator[Finding]:
    """The risks of one pipeline; ``before`` is None for a new DAG, and for one whose file had errors.

    ``is_new``: Airflow has no DAG of this id yet, so that it has no runs.
    """
    yield from _catchup(before, after, today, is_new)
    if before:
        yield from _newly_scheduled(before, after)
        yield from _more_often(before, after, today)
        if after.depends_on_past and not before.depends_on_past:
            sentence = "Each run waits for the run before it, so a failed run stops all later runs."
            yield Finding("depends-on-past", sentence, fields=("depends_on_past",))


def _catchup(before: Pipeline | None, after: Pipeline, today: date, is_new: bool) -> Iterator[Finding]:
    if not after.catchup or not starts_by_itself(after) or (before and _same_past(before, after)):
        return
    end = midnight(today + timedelta(1), after.timezone)
    count = count_runs(after, midnight(date(1970, 1, 2), after.timezone), end)
    if count:
        runs = f"{count:,} run{'s' * (count != 1)}"
        if is_new:
            begin = after.start_date.partition("T")[0]
            sentence = f"Catchup starts up to {runs} for the past: the DAG is new, and its runs begin on {begin}."
        else:
            sentence = f"Catchup starts up to {runs} for the past, if the DAG never ran, as of {today}."
        yield Finding("catchup", sentence, fields=("catchup", *_FIELDS), runs=count)


def _same_past(before: Pipeline, after: Pipeline) -> bool:
    """Whether the same runs for the past were due before."""
    return (
        before.catchup
        and starts_by_itself(before)
        and (before.id, before.schedule, before.timezone) == (after.id, after.schedule, after.timezone)
        and before.start_date <= after.start_date
    )


def _newly_scheduled(before: Pipeline, after: Pipeline) -> Iterator[Finding]:
    if not starts_by_itself(after) or starts_by_itself(before):
        return
    if before.schedule_off:
        sentence = f"The pipeline runs by itself: `{before.schedule_off}` no longer turns its schedule off."
    elif before.paused and has_schedule(before):
        sentence = "A new DAG starts unpaused, so it runs by itself. A DAG that Airflow already has does not change."
    else:
        sentence = "The pipeline runs by itself: it was started by hand before."
    yield Finding("newly-scheduled", sentence, fields=_FIELDS)


def has_schedule(pipeline: Pipeline) -> bool:
    """Whether the pipeline has a schedule, paused or not."""
    return starts_by_itself(msgspec.structs.replace(pipeline, paused=False))


def _more_often(before: Pipeline, after: Pipeline, today: date) -> Iterator[Finding]:
    if before.schedule == after.schedule and before.timezone == after.timezone:
        return
    if not has_schedule(before) or not has_schedule(after):
        return
    if after.schedule == Preset(name="@continuous"):
        if before.schedule != after.schedule:
            sentence = "The pipeline runs all the time: a run starts when the previous one has ended."
            yield Finding("runs-more-often", sentence, fields=("schedule",))
        return
    old, new = (_yearly(pipeline, today) for pipeline in (before, after))
    if old is not None and new is not None and new > old + max(1, old // 100):
        sentence = f"The pipeline runs more often: {new:,} runs a year instead of {old:,}."
        yield Finding("runs-more-often", sentence, fields=("schedule", "timezone"))


def _yearly(pipeline: Pipeline, today: date) -> int | None:
    """The number of runs in one year, wherever its start and end are."""
    unlimited = msgspec.structs.replace(pipeline, start_date="1970-01-01", end_date=None)
    first, end = (midnight(day, pipeline.timezone) for day in (today, today + timedelta(_YEAR)))
    return count_runs(unlimited, first, end)
