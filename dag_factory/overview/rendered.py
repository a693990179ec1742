"""What Airflow and Kubernetes get of a pipeline: the DAG with its tasks, and the pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.model import (
    ForEach,
    Fragment,
    Job,
    Pipeline,
    group_id,
    items_task,
)
from dag_factory.config.pipelines.written_schedule import written_schedule
from dag_factory.config.pod.operator_pod import operator_pod

FORMAT = 1
"""The version of the JSON output."""


class RenderedTask(msgspec.Struct, frozen=True):
    """One task of the DAG. ``job`` is empty for a task that only makes a list. ``upstream`` are the tasks before it.

    ``mapped``: Airflow makes a task, and a pod, for each item of a list.
    """

    id: str
    job: str
    upstream: tuple[str, ...]
    trigger_rule: str = "all_success"
    mapped: bool = False
    group: str | None = None
    when: str | None = None
    retries: int = 0
    pool: str = "default_pool"
    timeout_seconds: int | None = None
    teardown_of: tuple[str, ...] = ()


class RenderedDag(msgspec.Struct, frozen=True):
    """The DAG. ``schedule`` is as in the language; None: runs are started by hand."""

    id: str
    file: str
    environment: str
    schedule: Any
    timezone: str
    start_date: str
    end_date: str | None
    catchup: bool
    paused: bool | None
    max_active_runs: int | None
    params: dict[str, Any]
    tasks: tuple[RenderedTask, ...]


class Rendered(msgspec.Struct, frozen=True):
    """``pods`` are by job. ``version`` is that of this format."""

    dag: RenderedDag
    pods: dict[str, Fragment]
    version: int = FORMAT


def render(pipeline: Pipeline, jobs: tuple[Job, ...] = ()) -> Rendered:
    """The DAG of a pipeline, and the pods of some of its jobs; of all if ``jobs`` is empty."""
    return Rendered(_dag(pipeline), {job.name: operator_pod(pipeline, job) for job in jobs or pipeline.jobs})


def _dag(pipeline: Pipeline) -> RenderedDag:
    return RenderedDag(
        id=pipeline.id,
        file=pipeline.file,
        environment=pipeline.environment,
        schedule=written_schedule(pipeline.schedule),
        timezone=pipeline.timezone,
        start_date=pipeline.start_date,
        end_date=pipeline.end_date,
        catchup=pipeline.catchup,
        paused=pipeline.paused,
        max_active_runs=pipeline.max_active_runs,
        params={param.name: param.default for param in pipeline.params},
        tasks=tuple(_tasks(pipeline)),
    )


def _tasks(pipeline: Pipeline) -> Iterator[RenderedTask]:
    for path, each in pipeline.groups.items():
        if each.own_task:
            yield _list_task(items_task(group_id(path)), each)
    for job in pipeline.jobs:
        if job.for_each and job.for_each.own_task:
            yield _list_task(items_task(job.name), job.for_each)
        yield RenderedTask(
            id=job.name,
            job=job.name,
            upstream=tuple(sorted(_upstream(pipeline, job))),
            trigger_rule=job.trigger_rule,
            mapped=bool(job.for_each or job.mapped_group),
            group=job.group,
            when=job.when,
            retries=job.retries.count,
            pool=job.pool or job.flavor.pool or "default_pool",
            timeout_seconds=job.timeout,
            teardown_of=job.teardown_of,
        )


def _list_task(name: str, each: ForEach) -> RenderedTask:
    return RenderedTask(id=name, job="", upstream=(each.output,) if each.output else ())


def _upstream(pipeline: Pipeline, job: Job) -> set[str]:
    """The tasks right before that of a job. A job waits for the job whose output is a list through the list's task."""
    found = {*job.depends_on, *job.teardown_of}
    if job.for_each and job.for_each.own_task:
        found = found - {job.for_each.output or ""} | {items_task(job.name)}
    group = pipeline.groups.get(job.mapped_group or "")
    if group and group.own_task:
        found -= {group.output or ""}
        members = {one.name for one in pipeline.jobs if one.mapped_group == job.mapped_group}
        if not found & members:  # the first jobs of the group
            found.add(items_task(group_id(job.mapped_group or "")))
    return found
