"""Bounds of a commit (`limits`): what one pipeline may ask for beside the size of its pods.

They are checked on the model, of a pipeline that is compiled and of a last-good one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from graphlib import TopologicalSorter

from dag_factory.config.final_pod import final_pod
from dag_factory.config.guards.amounts import GPU, totals
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.rules import Bound, Guards
from dag_factory.config.intervals import shortest_interval
from dag_factory.config.model import ForEach, Job, Pipeline
from dag_factory.config.sidebyside import most_at_once
from dag_factory.config.units import duration

AIRFLOW_RUNS = 16  # Airflow's own `max_active_runs`, where nobody sets one
CODE = "over-limit"
_MANY = Decimal(1_000_000)  # cards: what no cluster has, for an amount that cannot be read


def of_job(job: Job, guards: Guards) -> Iterator[Breach]:
    """The bounds that one job exceeds; ``key`` is the job's."""
    if not guards.bounds:
        return
    asked = {
        "retries": (job.retries.count, str(job.retries.count)),
        "timeout": (job.timeout, duration(job.timeout or 0)),
        "priority_weight": (job.priority_weight, str(job.priority_weight)),
        "pool_slots": (job.pool_slots, str(job.pool_slots)),
    }
    for key, (value, shown) in asked.items():
        bound = guards.bounds.get(key)
        if bound and value is not None and value > bound.most:
            yield Breach(CODE, _exceeds(f"`{key}: {shown}`", bound), _hint(key, bound), (), key)


def of_pipeline(pipeline: Pipeline, guards: Guards) -> Iterator[Breach]:
    """The bounds that a pipeline as a whole exceeds; ``key`` is the pipeline's."""
    if not guards.bounds:
        return
    for key in ("max_active_jobs", "max_active_runs"):
        bound, value = guards.bounds.get(key), getattr(pipeline, key)
        if bound and value is not None and value > bound.most:
            yield Breach(CODE, _exceeds(f"`{key}: {value}`", bound), _hint(key, bound), (), key)
    often = guards.bounds.get("min_schedule_interval")
    shortest = shortest_interval(pipeline.schedule) if often else None
    if often and shortest is not None and shortest < often.most:
        when = f"a run every {duration(shortest)}" if shortest else "a run as soon as the last has ended"
        message = f"the schedule starts {when}; {often.by} allows one every {often.text} at most"
        yield Breach(CODE, message, f"run it less often; see {often.place}", (), "schedule")
    if cards := guards.bounds.get("gpu"):
        yield from _cards(pipeline, cards)


def _cards(pipeline: Pipeline, bound: Bound) -> Iterator[Breach]:
    """The graphics cards that the jobs can hold at once, of one run and of all."""
    weights: dict[str, int] = {}
    each: list[int] = []
    for job in pipeline.jobs:
        cards = math.ceil(min(totals(final_pod(job, pipeline.cluster))[GPU], _MANY))
        instances = _instances(job, _items(job, pipeline), pipeline.max_active_jobs) if cards else 1
        if instances is None:
            message = f"nothing bounds how many instances of the job `{job.name}` run at once, each with {cards} cards"
            owner = "its group's" if job.mapped_group else "its"
            hint = (
                f"set `max_parallel` of {owner} `for_each`; "
                f"{bound.by} allows a pipeline {bound.text}: see {bound.place}"
            )
            yield Breach(CODE, message, hint, (), "jobs")
            return
        weights[job.name] = cards * instances
        each += [cards] * instances
    most = most_at_once(weights, _waits_for(pipeline))
    if pipeline.max_active_jobs is not None and not any(job.deferrable for job in pipeline.jobs):
        # Airflow does not count a deferred job among the active ones.
        most = min(most, sum(sorted(each, reverse=True)[: pipeline.max_active_jobs]))
    runs = pipeline.max_active_runs or AIRFLOW_RUNS
    if most * runs > bound.most:
        times = f" in each of {runs} runs" if runs > 1 else ""
        message = f"the jobs can hold {most} graphics cards at once{times}; the limit of {bound.by} is {bound.text}"
        hint = f"lower `max_active_jobs` or `max_active_runs`, or let jobs wait for each other; see {bound.place}"
        yield Breach(CODE, message, hint, (), "jobs")


def _items(job: Job, pipeline: Pipeline) -> ForEach | None:
    """The list that a job, or its group, runs over."""
    return pipeline.groups[job.mapped_group] if job.mapped_group else job.for_each


def _instances(job: Job, each: ForEach | None, active: int | None) -> int | None:
    """How many of a job's pods run side by side; None where nothing says it."""
    if each is None:
        return 1
    bounds = [each.max_parallel, active if not job.deferrable else None]
    if each.items is not None:
        bounds.append(len(each.items))
    return min((bound for bound in bounds if bound is not None), default=None)


def _waits_for(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """The jobs that end before any instance of a job starts.

    In a group that runs for each item, one item is at a job while another is at the next. As many instances as the
    list has items cannot overlap so; as many as `max_parallel` allows can.
    """
    if not any(each.max_parallel for each in pipeline.groups.values()):
        return {job.name: job.depends_on for job in pipeline.jobs}
    group = {job.name: job.mapped_group for job in pipeline.jobs}
    before: dict[str, frozenset[str]] = {}
    for job in _in_order(pipeline.jobs):
        before[job.name] = frozenset(job.depends_on).union(*(before[name] for name in job.depends_on))
    return {
        name: tuple(sorted(one for one in found if not group[name] or group[one] != group[name]))
        for name, found in before.items()
    }


def _in_order(jobs: Sequence[Job]) -> Iterator[Job]:
    """The jobs, each after those that it waits for."""
    known = {job.name: job for job in jobs}
    order = TopologicalSorter({job.name: job.depends_on for job in jobs})
    return (known[name] for name in order.static_order())


def _exceeds(what: str, bound: Bound) -> str:
    return f"{what} exceeds the limit of {bound.by}, {bound.text}"


def _hint(key: str, bound: Bound) -> str:
    return f"set `{key}` to at most {bound.text}; see {bound.place}"
