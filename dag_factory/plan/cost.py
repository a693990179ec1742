"""What a change costs: the prices of the changed jobs, and with statistics of past runs an estimate for 30 days.

The unit is that of ``cost_per_hour`` in the table of flavors. Retries are not counted. A job whose cost cannot be
estimated before or after the change is left out of both sums and counted by reason: it is never counted as zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from math import fsum

import msgspec

from dag_factory.config.ids import DagId
from dag_factory.config.model import Assets, Job, Manual, Pipeline, Preset
from dag_factory.plan.model import Comparison, DagChange, EnvironmentCost
from dag_factory.plan.runs import count_runs, midnight
from dag_factory.plan.usage import Usage

DAYS = 30
"""The number of days of the estimate."""
REASONS = {
    "manual": "a person or another system starts the pipeline",
    "asset": "updates of assets start the pipeline",
    "@once": "the pipeline runs once",
    "@continuous": "a run starts when the previous one has ended",
    "paused": "a new DAG of the pipeline is paused, or its schedule is off in the environment",
    "run-time for_each": "the number of items is known only at run time",
    "no price": "the flavor has no `cost_per_hour`",
    "no history": "the usage file has no runs of the job",
}
"""Why the cost of a job cannot be estimated, with an explanation for readers."""


class _Price(msgspec.Struct, frozen=True):
    """One job on one side. ``monthly`` is None without statistics; with a ``reason``, nothing can be estimated."""

    hourly: float
    monthly: float | None = None
    reason: str = ""


def find_costs(
    comparisons: Iterable[Comparison], changes: Iterable[DagChange], usage: Usage | None, today: date
) -> tuple[EnvironmentCost, ...]:
    """The cost of each environment with a changed job, for the 30 days from ``today`` in each pipeline's time zone."""
    changed = {(change.environment, change.id): change for change in changes}
    pairs: dict[str, list[tuple[_Price | None, _Price | None]]] = {}
    for comparison in comparisons:
        found = list(_pairs(comparison, changed.get((comparison.environment, comparison.id)), usage, today))
        if found:
            pairs.setdefault(comparison.environment, []).extend(found)
    return tuple(_sum(environment, found, usage is not None) for environment, found in pairs.items())


def _pairs(
    comparison: Comparison, change: DagChange | None, usage: Usage | None, today: date
) -> Iterator[tuple[_Price | None, _Price | None]]:
    """The prices of each changed job before and after; None on a side that does not have the job."""
    if change is None and comparison.before == comparison.after:
        return
    if comparison.after is None and comparison.problems:  # the last good version keeps running
        return
    ids = [one for one in (comparison.id, comparison.renamed_from) if one]
    jobs = [{job.name: job for job in side.jobs} if side else {} for side in (comparison.before, comparison.after)]
    everything = change is not None and (bool(change.fields) or change.kind in ("added", "removed", "renamed"))
    named = {one.job for one in change.jobs} if change else set()
    for name in dict.fromkeys([*jobs[0], *jobs[1]]):
        before, after = (side.get(name) for side in jobs)
        is_changed = everything or name in named or before is None or after is None
        if is_changed or _price(before) != _price(after):
            yield (
                _estimate(before, comparison.before, ids, usage, today),
                _estimate(after, comparison.after, ids, usage, today),
            )


def _price(job: Job | None) -> float | None:
    return job.flavor.cost_per_hour if job else None


def _estimate(
    job: Job | None, pipeline: Pipeline | None, ids: Iterable[DagId], usage: Usage | None, today: date
) -> _Price | None:
    if job is None or pipeline is None:
        return None
    price = job.flavor.cost_per_hour
    if price is None:
        return _Price(0.0, reason="no price")
    if usage is None:
        return _Price(price)
    runs, items = _runs(pipeline, today), _items(job, pipeline)
    if isinstance(runs, str):
        return _Price(price, reason=runs)
    if items is None:
        return _Price(price, reason="run-time for_each")
    history = usage.find(pipeline.environment, ids, job.name)
    if history is None:
        return _Price(price, reason="no history")
    return _Price(price, price * history.median_seconds / 3600 * runs * items)


def _runs(pipeline: Pipeline, today: date) -> int | str:
    """The number of runs, or the reason why it is not known."""
    schedule = pipeline.schedule
    if pipeline.schedule_off or isinstance(schedule, Manual):
        return "paused" if pipeline.schedule_off else "manual"
    if isinstance(schedule, Assets):
        return "asset"
    if pipeline.paused:
        return "paused"
    first, end = (midnight(day, pipeline.timezone) for day in (today, today + timedelta(DAYS)))
    runs = count_runs(pipeline, first, end)
    if runs is None:
        return schedule.name if isinstance(schedule, Preset) else "manual"
    return runs


def _items(job: Job, pipeline: Pipeline) -> int | None:
    """How many tasks of a job one run has; None if that is known only at run time."""
    count = 1
    for mapped in (job.for_each, pipeline.groups.get(job.mapped_group or "")):
        if mapped is not None:
            if mapped.items is None:
                return None
            count *= len(mapped.items)
    return count


def _sum(environment: str, pairs: list[tuple[_Price | None, _Price | None]], has_statistics: bool) -> EnvironmentCost:
    hourly: tuple[list[float], list[float]] = ([], [])
    monthly: tuple[list[float], list[float]] = ([], [])
    not_estimable: Counter[str] = Counter()
    for pair in pairs:
        reasons = [price.reason for price in reversed(pair) if price and price.reason]
        if reasons:
            not_estimable[reasons[0]] += 1
        for side, price in enumerate(pair):
            if price and "no price" not in reasons:
                hourly[side].append(price.hourly)
            if price and not reasons:
                monthly[side].append(price.monthly or 0.0)
    return EnvironmentCost(
        environment,
        (fsum(hourly[0]), fsum(hourly[1])),
        (fsum(monthly[0]), fsum(monthly[1])) if has_statistics else None,
        dict(sorted(not_estimable.items())),
        len(pairs),
    )
