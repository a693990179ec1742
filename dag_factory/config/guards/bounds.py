"""Bounds: the limits of an environment or a team (`limits`) that are not about the size of a pod.

They are checked on the model: when a pipeline is compiled, and when its last good version is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from dag_factory.config.guard_rules import Bound, Guards
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.sizes.resource_usage import GPU, pod_usage
from dag_factory.config.model import AllOf, Asset, AssetRule, Assets, ForEach, Fragment, Job, Pipeline
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.units import duration_text
from dag_factory.config.workload.parallelism import most_at_once
from dag_factory.config.workload.run_order import ended_before
from dag_factory.config.workload.schedule_interval import shortest_interval

AIRFLOW_RUNS = 16  # Airflow's default of `max_active_runs`
CODE: Code = "over-limit"
_UNCOUNTABLE = Decimal(1_000_000)  # more GPUs than any cluster has, for an amount that is not a number


def job_breaches(pod: Fragment, job: Job, guards: Guards) -> Iterator[Breach]:
    """A breach for each bound that a job or its final pod exceeds; ``key`` is the job's."""
    if not guards.bounds:
        return
    values = {
        "retries": (job.retries.count, str(job.retries.count)),
        "timeout": (job.timeout, duration_text(job.timeout or 0)),
        "priority_weight": (job.priority_weight, str(job.priority_weight)),
        "pool_slots": (job.pool_slots, str(job.pool_slots)),
    }
    for key, (value, shown) in values.items():
        bound = guards.bounds.get(key)
        if bound and value is not None and value > bound.most:
            yield Breach(CODE, _exceeds(f"`{key}: {shown}`", bound), _hint(key, bound), (), key)
    timeout = guards.bounds.get("timeout")
    if timeout and (job.timeout or 0) <= timeout.most:
        yield from _pod_time(pod["spec"], timeout)


def _pod_time(spec: Fragment, bound: Bound) -> Iterator[Breach]:
    """Breaches of a pod that may run longer than ``timeout``: if Airflow loses it, only the cluster stops it."""
    deadline, grace = spec.get("activeDeadlineSeconds"), spec.get("terminationGracePeriodSeconds")
    if deadline is None:
        message = f"the pod has no `activeDeadlineSeconds`, but {bound.by} limits `timeout` to {bound.text}"
        hint = f"do not remove it: the job's `timeout` sets it; see {bound.location}"
        yield Breach(CODE, message, hint, ("spec", "activeDeadlineSeconds"))
    for key, value in (("activeDeadlineSeconds", deadline), ("terminationGracePeriodSeconds", grace)):
        if value is not None and value > bound.most:
            message = _exceeds(f"the pod's `{key}` of {duration_text(value)}", bound)
            yield Breach(CODE, message, f"set at most {bound.text}; see {bound.location}", ("spec", key))


def pipeline_breaches(pipeline: Pipeline, guards: Guards) -> Iterator[Breach]:
    """A breach for each bound that a pipeline as a whole exceeds; ``key`` is the pipeline's."""
    if not guards.bounds:
        return
    for key in ("max_active_jobs", "max_active_runs"):
        bound, value = guards.bounds.get(key), getattr(pipeline, key)
        if bound and value is not None and value > bound.most:
            yield Breach(CODE, _exceeds(f"`{key}: {value}`", bound), _hint(key, bound), (), key)
    if interval := guards.bounds.get("min_schedule_interval"):
        yield from _schedule(pipeline, interval)
    if gpus := guards.bounds.get("gpu"):
        yield from _gpus(pipeline, gpus)


def _schedule(pipeline: Pipeline, bound: Bound) -> Iterator[Breach]:
    """A breach of a pipeline that runs too often."""
    allowed = f"{bound.by} allows at most one run every {bound.text}"
    if _starts_itself(pipeline):
        message = f"the pipeline updates the asset that starts it, so it runs forever; {allowed}"
        hint = f"remove the asset from its `schedule` or from the `outlets` of its jobs; see {bound.location}"
        yield Breach(CODE, message, hint, (), "schedule")
        return
    shortest = shortest_interval(pipeline.schedule)
    if shortest is not None and shortest < bound.most:
        often = f"every {duration_text(shortest)}" if shortest else "as soon as the previous run ends"
        message = f"the schedule starts a run {often}; {allowed}"
        yield Breach(CODE, message, f"run it less often; see {bound.location}", (), "schedule")


def _starts_itself(pipeline: Pipeline) -> bool:
    """Whether the assets that a run's own jobs update are enough to start the next run."""
    if not isinstance(pipeline.schedule, Assets):
        return False
    updated = {asset.name for job in pipeline.jobs for asset in job.outlets}

    def is_met(rule: AssetRule) -> bool:
        if isinstance(rule, Asset):
            return rule.name in updated
        return (all if isinstance(rule, AllOf) else any)(map(is_met, rule.of))

    return bool(updated) and is_met(pipeline.schedule.rule)


def _gpus(pipeline: Pipeline, bound: Bound) -> Iterator[Breach]:
    """A breach if the jobs can use too many GPUs at once, in all runs together."""
    job_gpus: dict[str, int] = {}
    task_gpus: list[int] = []
    limited_groups: list[str] = []  # whose mapped tasks do not all run at once
    for job in pipeline.jobs:
        pod = final_pod(job, pipeline.cluster)
        if pod["spec"].get("resourceClaims"):
            message = f"the GPUs in `resourceClaims` of the job `{job.name}` cannot be counted"
            hint = f"use a flavor with `gpu`; {bound.by} limits `gpu`: see {bound.location}"
            yield Breach(CODE, message, hint, (), "jobs")
            return
        gpus = math.ceil(min(pod_usage(pod)[GPU], _UNCOUNTABLE))
        items = job.for_each or pipeline.groups.get(job.mapped_group or "")
        tasks = _mapped_tasks(items, None if job.deferrable else pipeline.max_active_jobs) if gpus else 1
        if tasks is None:
            message = f"any number of mapped tasks of the job `{job.name}` can run at once, each with {_count(gpus)}"
            owner = "its group's" if job.mapped_group else "its"
            limited = f"{bound.by} limits `gpu` to {bound.text}: see {bound.location}"
            hint = f"set `max_parallel` of {owner} `for_each`; {limited}"
            yield Breach(CODE, message, hint, (), "jobs")
            return
        if gpus:
            job_gpus[job.name] = gpus * tasks
            task_gpus += [gpus] * tasks
            if job.mapped_group and items and (items.items is None or tasks < len(items.items)):
                limited_groups.append(job.mapped_group)
    most = most_at_once(job_gpus, ended_before(pipeline.jobs, job_gpus, limited_groups))
    if pipeline.max_active_jobs is not None and not any(job.deferrable for job in pipeline.jobs):
        # Airflow does not count a deferred job as active.
        most = min(most, sum(sorted(task_gpus, reverse=True)[: pipeline.max_active_jobs]))
    runs = pipeline.max_active_runs or AIRFLOW_RUNS
    if most * runs > bound.most:
        in_runs = f" in each of {runs} runs" if runs > 1 else ""
        message = f"the jobs can use {_count(most)} at once{in_runs}; the limit of {bound.by} is {bound.text}"
        hint = f"lower `max_active_jobs` or `max_active_runs`, or make jobs wait for each other; see {bound.location}"
        yield Breach(CODE, message, hint, (), "jobs")


def _count(gpus: int) -> str:
    return "1 GPU" if gpus == 1 else f"{gpus} GPUs"


def _mapped_tasks(items: ForEach | None, active: int | None) -> int | None:
    """How many mapped tasks of a job run at once; None if nothing limits them."""
    if items is None:
        return 1
    bounds = [items.max_parallel, active, None if items.items is None else len(items.items)]
    return min((bound for bound in bounds if bound is not None), default=None)


def _exceeds(subject: str, bound: Bound) -> str:
    return f"{subject} exceeds the limit of {bound.by}, {bound.text}"


def _hint(key: str, bound: Bound) -> str:
    return f"set `{key}` to at most {bound.text}; see {bound.location}"
