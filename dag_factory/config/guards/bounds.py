"""Bounds of a commit (`limits`): what one pipeline may ask for beside the size of its pods.

They are checked on the model, of a pipeline that is compiled and of a last-good one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from dag_factory.config.guard_rules import Bound, Guards
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.resource_usage import GPU, pod_usage
from dag_factory.config.model import AllOf, Asset, AssetRule, Assets, ForEach, Fragment, Job, Pipeline
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.units import duration_text
from dag_factory.config.workload.parallelism import most_at_once
from dag_factory.config.workload.run_order import ended_before
from dag_factory.config.workload.schedule_interval import shortest_interval

AIRFLOW_RUNS = 16  # Airflow's own `max_active_runs`, where nobody sets one
CODE: Code = "over-limit"
_MANY = Decimal(1_000_000)  # cards: what no cluster has, for an amount that cannot be read


def job_breaches(pod: Fragment, job: Job, guards: Guards) -> Iterator[Breach]:
    """The bounds that one job and its final pod exceed; ``key`` is the job's."""
    if not guards.bounds:
        return
    asked = {
        "retries": (job.retries.count, str(job.retries.count)),
        "timeout": (job.timeout, duration_text(job.timeout or 0)),
        "priority_weight": (job.priority_weight, str(job.priority_weight)),
        "pool_slots": (job.pool_slots, str(job.pool_slots)),
    }
    for key, (value, shown) in asked.items():
        bound = guards.bounds.get(key)
        if bound and value is not None and value > bound.most:
            yield Breach(CODE, _exceeds(f"`{key}: {shown}`", bound), _hint(key, bound), (), key)
    longest = guards.bounds.get("timeout")
    if longest and (job.timeout or 0) <= longest.most:
        yield from _time_of_pod(pod["spec"], longest)


def _time_of_pod(spec: Fragment, bound: Bound) -> Iterator[Breach]:
    """A pod that runs longer than the limit: Airflow may leave it, and then only the cluster ends it."""
    deadline, grace = spec.get("activeDeadlineSeconds"), spec.get("terminationGracePeriodSeconds")
    if deadline is None:
        message = f"the pod has no `activeDeadlineSeconds`, and {bound.by} limits `timeout` to {bound.text}"
        hint = f"do not remove it: the job's `timeout` sets it; see {bound.place}"
        yield Breach(CODE, message, hint, ("spec", "activeDeadlineSeconds"))
    for key, value in (("activeDeadlineSeconds", deadline), ("terminationGracePeriodSeconds", grace)):
        if value is not None and value > bound.most:
            message = _exceeds(f"the pod's `{key}` of {duration_text(value)}", bound)
            yield Breach(CODE, message, f"set at most {bound.text}; see {bound.place}", ("spec", key))


def pipeline_breaches(pipeline: Pipeline, guards: Guards) -> Iterator[Breach]:
    """The bounds that a pipeline as a whole exceeds; ``key`` is the pipeline's."""
    if not guards.bounds:
        return
    for key in ("max_active_jobs", "max_active_runs"):
        bound, value = guards.bounds.get(key), getattr(pipeline, key)
        if bound and value is not None and value > bound.most:
            yield Breach(CODE, _exceeds(f"`{key}: {value}`", bound), _hint(key, bound), (), key)
    often = guards.bounds.get("min_schedule_interval")
    shortest = shortest_interval(pipeline.schedule) if often else None
    if often and _starts_itself(pipeline):
        message = f"the pipeline updates the asset that starts it, so it runs without end; {_once(often)}"
        hint = f"remove the asset from its `schedule` or from the `outlets` of its jobs; see {often.place}"
        yield Breach(CODE, message, hint, (), "schedule")
    elif often and shortest is not None and shortest < often.most:
        when = f"a run every {duration_text(shortest)}" if shortest else "a run as soon as the last has ended"
        message = f"the schedule starts {when}; {_once(often)}"
        yield Breach(CODE, message, f"run it less often; see {often.place}", (), "schedule")
    if cards := guards.bounds.get("gpu"):
        yield from _cards(pipeline, cards)


def _once(often: Bound) -> str:
    return f"{often.by} allows one every {often.text} at most"


def _starts_itself(pipeline: Pipeline) -> bool:
    """Whether the updates of a run's own jobs are enough to start the next run."""
    if not isinstance(pipeline.schedule, Assets):
        return False
    own = {asset.name for job in pipeline.jobs for asset in job.outlets}

    def is_met(rule: AssetRule) -> bool:
        if isinstance(rule, Asset):
            return rule.name in own
        return (all if isinstance(rule, AllOf) else any)(map(is_met, rule.of))

    return bool(own) and is_met(pipeline.schedule.rule)


def _cards(pipeline: Pipeline, bound: Bound) -> Iterator[Breach]:
    """The graphics cards that the jobs can hold at once, of one run and of all."""
    weights: dict[str, int] = {}
    each: list[int] = []
    apart: list[str] = []
    for job in pipeline.jobs:
        pod = final_pod(job, pipeline.cluster)
        if pod["spec"].get("resourceClaims"):
            message = f"the cards that the pod of the job `{job.name}` claims cannot be counted"
            hint = f"name a flavor with `gpu`; {bound.by} limits `gpu`: see {bound.place}"
            yield Breach(CODE, message, hint, (), "jobs")
            return
        cards = math.ceil(min(pod_usage(pod)[GPU], _MANY))
        items = job.for_each or pipeline.groups.get(job.mapped_group or "")
        instances = _instances(items, None if job.deferrable else pipeline.max_active_jobs) if cards else 1
        if instances is None:
            message = f"nothing bounds how many instances of the job `{job.name}` run at once, each with {cards} cards"
            owner = "its group's" if job.mapped_group else "its"
            hint = (
                f"set `max_parallel` of {owner} `for_each`; "
                f"{bound.by} allows a pipeline {bound.text}: see {bound.place}"
            )
            yield Breach(CODE, message, hint, (), "jobs")
            return
        if cards:
            weights[job.name] = cards * instances
            each += [cards] * instances
            if job.mapped_group and items and (items.items is None or instances < len(items.items)):
                apart.append(job.mapped_group)
    most = most_at_once(weights, ended_before(pipeline.jobs, weights, apart))
    if pipeline.max_active_jobs is not None and not any(job.deferrable for job in pipeline.jobs):
        # Airflow does not count a deferred job among the active ones.
        most = min(most, sum(sorted(each, reverse=True)[: pipeline.max_active_jobs]))
    runs = pipeline.max_active_runs or AIRFLOW_RUNS
    if most * runs > bound.most:
        times = f" in each of {runs} runs" if runs > 1 else ""
        message = f"the jobs can hold {most} graphics cards at once{times}; the limit of {bound.by} is {bound.text}"
        hint = f"lower `max_active_jobs` or `max_active_runs`, or let jobs wait for each other; see {bound.place}"
        yield Breach(CODE, message, hint, (), "jobs")


def _instances(each: ForEach | None, active: int | None) -> int | None:
    """How many of a job's pods run side by side; None where nothing says it."""
    if each is None:
        return 1
    bounds = [each.max_parallel, active, None if each.items is None else len(each.items)]
    return min((bound for bound in bounds if bound is not None), default=None)


def _exceeds(what: str, bound: Bound) -> str:
    return f"{what} exceeds the limit of {bound.by}, {bound.text}"


def _hint(key: str, bound: Bound) -> str:
    return f"set `{key}` to at most {bound.text}; see {bound.place}"
