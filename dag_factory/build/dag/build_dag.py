"""A pipeline as a DAG.

The same pipeline gives a byte-equal serialized DAG in every process: nothing here asks a clock, a random
source or the file system, and nothing is walked in the order of a set.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pendulum
from airflow.sdk import DAG, Param
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.param import ParamsDict

from dag_factory.build.dag import schedule, task_subset
from dag_factory.build.dag.groups import Groups
from dag_factory.build.pages.dag_page import dag_page
from dag_factory.build.task.build_task import build_task
from dag_factory.build.task.mapped_task import Task, list_task
from dag_factory.build.worker.list_items import ListItems
from dag_factory.build.worker.templates.environment import template_arguments
from dag_factory.config import model

LAST_GOOD = "last good version"
"""The tag of a DAG whose file has problems: it runs on as it was."""

STOPPED = "stopped"
"""The tag of a DAG whose last good version breaks a rule of today: nothing of it runs."""


def build_dag(pipeline: model.Pipeline, pages: bool = True, to_run: str | None = None) -> DAG:
    """The DAG of a pipeline: a task for each job, and the edges between them.

    ``pages`` False leaves out what people read about it. ``to_run`` is the one task that is to be run, which
    then is constructed with its neighbours alone.

    Raises what Airflow and the Kubernetes client raise for values that they do not take; the loader makes
    a problem of it.
    """
    start = schedule.start_date(pipeline)
    dag = DAG(
        pipeline.id,
        description=pipeline.description,
        schedule=schedule.timetable(pipeline.schedule, pipeline.timezone),
        start_date=_parse_time(start, pipeline.timezone) if start else None,
        end_date=_parse_time(pipeline.end_date, pipeline.timezone) if pipeline.end_date else None,
        catchup=pipeline.catchup,
        **{**_instance_defaults(), **_limits(pipeline)},
        dagrun_timeout=timedelta(seconds=pipeline.timeout) if pipeline.timeout is not None else None,
        is_paused_upon_creation=pipeline.paused,
        tags=tags(pipeline),
        doc_md=dag_page(pipeline) if pages else None,
        **template_arguments(pipeline),
    )
    if start is None:
        dag.timezone = pendulum.timezone(pipeline.timezone)  # Airflow reads it from the start date otherwise
    jobs = pipeline.jobs if to_run is None else task_subset.jobs_to_build(pipeline, to_run)
    groups = Groups(dag, pipeline.groups)
    tasks, lists = _tasks(pipeline, jobs, dag, groups, pages)
    for job in jobs:
        not_before = {*job.teardown_of, *_through_its_list(pipeline, job)}
        before: list[Any] = [tasks[name] for name in job.depends_on if name in tasks and name not in not_before]
        if job.name in lists:
            before.append(lists[job.name])
        if before:
            tasks[job.name].set_upstream(before)
        if job.teardown_of:
            setups: list[Any] = [tasks[name] for name in job.teardown_of if name in tasks]
            # Not `on_failure_fail_dagrun`: then only the teardown would decide whether the run has succeeded, and
            # one that takes down well would hide the failure of all before it.
            tasks[job.name].as_teardown(setups=setups)
    for each, made in [
        *((job.for_each, lists[job.name]) for job in jobs if job.name in lists),
        *((pipeline.groups[path], source) for path, source in groups.sources.items()),
    ]:
        if each and each.output in tasks:
            made.set_upstream(tasks[each.output])
    groups.wait_for_lists()
    # After the tasks: each would get a copy of its own, which Airflow stores with it (two params on ten tasks
    # take longer than all else) and, since a run's params begin with the DAG's, never needs.
    dag.params = ParamsDict({param.name: _param(param) for param in pipeline.params})
    return dag


def _tasks(
    pipeline: model.Pipeline, needed: Sequence[model.Job], dag: DAG, groups: Groups, pages: bool
) -> tuple[dict[str, Task], dict[str, ListItems]]:
    """A task for each job that is needed, in their order but for one: a list's job comes before who runs over it.

    Also the tasks that make lists, by the names of the jobs that run over them.
    """
    tasks: dict[str, Task] = {}
    lists: dict[str, ListItems] = {}
    jobs = {job.name: job for job in needed}
    for job in needed:
        chain = [job]
        while (each := chain[-1].for_each) and each.output and not each.own_task and each.output not in tasks:
            chain.append(jobs[each.output])
        for one in reversed(chain):
            if one.name in tasks:
                continue
            group = groups.of(one.group)
            source: ListItems | Task | None = None
            if one.for_each and one.for_each.own_task:
                source = lists[one.name] = list_task(one.name, one.for_each, f"`{one.name}`", dag, group)
            elif one.for_each and one.for_each.output:
                source = tasks[one.for_each.output]
            tasks[one.name] = build_task(pipeline, one, dag, group, source, pages)
    return tasks, lists


def _through_its_list(pipeline: model.Pipeline, job: model.Job) -> Sequence[str]:
    """The job that another waits for by the task that makes its list, so that the graph shows one way."""
    lists = [job.for_each, pipeline.groups[job.mapped_group] if job.mapped_group else None]
    return [each.output for each in lists if each and each.own_task and each.output]


def _parse_time(text: str, timezone: str) -> datetime:
    """A date or a time in ISO 8601; where it names no offset, in the pipeline's timezone."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    zone = pendulum.timezone(timezone)
    if moment.tzinfo is None:
        return pendulum.instance(moment, tz=zone)
    # Airflow reads a DAG's timezone from its start date.
    return pendulum.instance(moment).in_timezone(zone)


@lru_cache(1)
def _instance_defaults() -> dict[str, Any]:
    """What a DAG that is told nothing looks up in Airflow's configuration, once for all: a third of what it costs."""
    return {
        "max_active_tasks": conf.getint("core", "max_active_tasks_per_dag"),
        "max_active_runs": conf.getint("core", "max_active_runs_per_dag"),
        "max_consecutive_failed_dag_runs": conf.getint("core", "max_consecutive_failed_dag_runs_per_dag"),
        "disable_bundle_versioning": conf.getboolean("dag_processor", "disable_bundle_versioning"),
    }


def _limits(pipeline: model.Pipeline) -> dict[str, int]:
    """What the pipeline says of its runs and jobs at once."""
    # Airflow refuses a continuous DAG with any other number, its own default included.
    continuous = isinstance(pipeline.schedule, model.Preset) and pipeline.schedule.name == "@continuous"
    said = {
        "max_active_runs": 1 if continuous else pipeline.max_active_runs,
        "max_active_tasks": pipeline.max_active_jobs,
    }
    return {name: number for name, number in said.items() if number is not None}


def _param(param: model.Param) -> Param:
    schema: dict[str, Any] = dict(param.schema)
    if param.required:
        return Param(description=param.description, schema=schema)
    if param.default is None:
        schema = _nullable(schema)
    return Param(param.default, description=param.description, schema=schema)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a param that may stay empty: Airflow checks that None is allowed."""
    kinds = schema.get("type")
    if isinstance(kinds, str):
        kinds = [kinds]
    if kinds and "null" not in kinds:
        schema = {**schema, "type": [*kinds, "null"]}
    if "enum" in schema and None not in schema["enum"]:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return schema


def tags(pipeline: model.Pipeline) -> list[str]:
    """The pipeline's own tags, its team's, and a warning where the DAG is not what its file says now."""
    team = [f"team:{pipeline.team}"] if pipeline.team else []
    state = [*([LAST_GOOD] if pipeline.held else []), *([STOPPED] if pipeline.stopped else [])]
    return [*pipeline.tags, *team, *state]
