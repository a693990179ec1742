"""Build the DAG of a pipeline.

The same pipeline gives the same serialized DAG, byte for byte, in every process. So nothing here reads a clock, a
random source or the file system, and nothing depends on the order of a set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pendulum
from airflow.sdk import DAG, Param
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.param import ParamsDict

from dag_factory.build.alerts.callbacks import AlertCallbacks, alert_callbacks
from dag_factory.build.dag import schedule
from dag_factory.build.dag.deadline import deadline_alert
from dag_factory.build.dag.groups import TaskGroups
from dag_factory.build.dag.task_subset import jobs_to_build
from dag_factory.build.left_pods import run_callbacks
from dag_factory.build.pages.dag_page import dag_page
from dag_factory.build.task.build_task import build_task
from dag_factory.build.task.mapped_task import Task, list_task
from dag_factory.build.worker.list_items import ListItems
from dag_factory.build.worker.saved_output import SavedOutput
from dag_factory.build.worker.templates.environment import template_arguments
from dag_factory.config import model
from dag_factory.config.project.deleted import is_deleted
from dag_factory.config.workload.first_run import start_date

LAST_GOOD_TAG = "last good version"
"""The tag of a DAG whose file has errors: the DAG keeps running its last good version."""

STOPPED_TAG = "stopped"
"""The tag of a DAG whose last good version breaks a current rule: none of its jobs run."""

_NONE_SAVED: Mapping[str, Any] = {}

DELETED_TAG = "deleted"
"""The tag of a DAG that nothing defines any more: it stays until its runs are finished."""


def build_dag(
    pipeline: model.Pipeline,
    with_docs: bool = True,
    only_task: str | None = None,
    saved_outputs: Mapping[str, Any] = _NONE_SAVED,
) -> DAG:
    """Build the DAG of a pipeline: a task for each job, and the edges between the tasks.

    Without ``with_docs`` the DAG and its tasks have no documentation pages. With ``only_task`` only this task and its
    neighbors are built, which is all that a worker needs to run it. The jobs in ``saved_outputs`` start no pod: they
    return their output from there.

    Raises the exceptions of Airflow and of the Kubernetes client for values that they reject; ``build_dags`` turns
    them into problems.
    """
    start, alerts = start_date(pipeline), alert_callbacks(pipeline)
    dag = DAG(
        pipeline.id,
        description=pipeline.description,
        schedule=schedule.timetable(pipeline.schedule, pipeline.timezone),
        start_date=_parse_time(start, pipeline.timezone) if start else None,
        end_date=_parse_time(pipeline.end_date, pipeline.timezone) if pipeline.end_date else None,
        catchup=pipeline.catchup,
        **{**_airflow_defaults(), **_limits(pipeline), **run_callbacks(pipeline, alerts.of_dag() if alerts else {})},
        dagrun_timeout=timedelta(seconds=pipeline.timeout) if pipeline.timeout is not None else None,
        deadline=deadline_alert(pipeline),
        is_paused_upon_creation=pipeline.paused,
        tags=tags(pipeline),
        doc_md=dag_page(pipeline) if with_docs else None,
        **template_arguments(pipeline),
    )
    if start is None:
        dag.timezone = pendulum.timezone(pipeline.timezone)  # Airflow reads it from the start date otherwise
    jobs = pipeline.jobs if only_task is None else jobs_to_build(pipeline, only_task)
    groups = TaskGroups(dag, pipeline.groups)
    tasks, lists = _tasks(pipeline, jobs, dag, groups, with_docs, alerts, saved_outputs)
    for job in jobs:
        indirect = {*job.teardown_of, *_reached_by_list_task(pipeline, job)}
        before: list[Any] = [tasks[name] for name in job.depends_on if name in tasks and name not in indirect]
        if job.name in lists:
            before.append(lists[job.name])
        if before:
            tasks[job.name].set_upstream(before)
        if job.teardown_of:
            setups: list[Any] = [tasks[name] for name in job.teardown_of if name in tasks]
            # Not `on_failure_fail_dagrun`: then the teardown alone would decide the state of the run, and a
            # successful teardown would hide the failure of the jobs before it.
            tasks[job.name].as_teardown(setups=setups)
    for each, list_maker in [
        *((job.for_each, lists[job.name]) for job in jobs if job.name in lists),
        *((pipeline.groups[path], source) for path, source in groups.list_tasks.items()),
    ]:
        if each and each.output in tasks:
            list_maker.set_upstream(tasks[each.output])
    groups.connect_list_tasks()
    # Set after the tasks exist, or each task would get a copy, which Airflow stores with the task (two params on ten
    # tasks take longer than everything else). Tasks do not need it: the params of a run start from those of the DAG.
    dag.params = ParamsDict({param.name: _param(param) for param in pipeline.params})
    return dag


def _tasks(
    pipeline: model.Pipeline,
    needed: Sequence[model.Job],
    dag: DAG,
    groups: TaskGroups,
    with_docs: bool,
    alerts: AlertCallbacks | None,
    saved_outputs: Mapping[str, Any],
) -> tuple[dict[str, Task | SavedOutput], dict[str, ListItems]]:
    """Return a task for each job in ``needed``, and the tasks that make lists by the names of the jobs that use them.

    The order is that of the jobs, except that the job whose output is a list comes before the jobs that run over it.
    """
    tasks: dict[str, Task | SavedOutput] = {}
    lists: dict[str, ListItems] = {}
    jobs = {job.name: job for job in needed}
    for job in needed:
        chain = [job]
        while (each := chain[-1].for_each) and each.output and not each.own_task and each.output not in tasks:
            chain.append(jobs[each.output])
        for one in reversed(chain):
            if one.name in tasks:
                continue
            if one.name in saved_outputs:
                tasks[one.name] = SavedOutput(task_id=one.name, value=saved_outputs[one.name], dag=dag)
                continue
            group = groups.get(one.group)
            source: ListItems | Task | SavedOutput | None = None
            if one.for_each and one.for_each.own_task:
                source = lists[one.name] = list_task(one.name, one.for_each, f"`{one.name}`", dag, group)
            elif one.for_each and one.for_each.output:
                source = tasks[one.for_each.output]
            tasks[one.name] = build_task(pipeline, one, dag, group, source, with_docs, alerts)
    return tasks, lists


def _reached_by_list_task(pipeline: model.Pipeline, job: model.Job) -> Sequence[str]:
    """Return the jobs that ``job`` waits for through a list task, so that the graph has no second edge to them."""
    lists = [job.for_each, pipeline.groups[job.mapped_group] if job.mapped_group else None]
    return [each.output for each in lists if each and each.own_task and each.output]


def _parse_time(text: str, timezone: str) -> datetime:
    """Parse a date or a time in ISO 8601. Without an offset it is in ``timezone``."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    zone = pendulum.timezone(timezone)
    if moment.tzinfo is None:
        return pendulum.instance(moment, tz=zone)
    # Airflow reads a DAG's timezone from its start date.
    return pendulum.instance(moment).in_timezone(zone)


@lru_cache(1)
def _airflow_defaults() -> dict[str, Any]:
    """Read once what each DAG would read from Airflow's configuration: a third of the time to create a DAG."""
    return {
        "max_active_tasks": conf.getint("core", "max_active_tasks_per_dag"),
        "max_active_runs": conf.getint("core", "max_active_runs_per_dag"),
        "max_consecutive_failed_dag_runs": conf.getint("core", "max_consecutive_failed_dag_runs_per_dag"),
        "disable_bundle_versioning": conf.getboolean("dag_processor", "disable_bundle_versioning"),
    }


def _limits(pipeline: model.Pipeline) -> dict[str, int]:
    """Return the pipeline's limits of concurrent runs and jobs."""
    # Airflow rejects any other number for a continuous DAG, including its own default.
    continuous = isinstance(pipeline.schedule, model.Preset) and pipeline.schedule.name == "@continuous"
    limits = {
        "max_active_runs": 1 if continuous else pipeline.max_active_runs,
        "max_active_tasks": pipeline.max_active_jobs,
    }
    return {name: number for name, number in limits.items() if number is not None}


def _param(param: model.Param) -> Param:
    schema: dict[str, Any] = dict(param.schema)
    if param.required:
        return Param(description=param.description, schema=schema)
    if param.default is None:
        schema = _nullable(schema)
    return Param(param.default, description=param.description, schema=schema)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a param that may stay empty: Airflow requires that it allows None."""
    types = schema.get("type")
    if isinstance(types, str):
        types = [types]
    if types and "null" not in types:
        schema = {**schema, "type": [*types, "null"]}
    if "enum" in schema and None not in schema["enum"]:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return schema


def tags(pipeline: model.Pipeline) -> list[str]:
    """Return the pipeline's tags, its team's tag, and a tag that warns if the DAG differs from its file."""
    team = [f"team:{pipeline.team}"] if pipeline.team else []
    stopped = [DELETED_TAG if is_deleted(pipeline) else STOPPED_TAG] if pipeline.stopped else []
    state = [*([LAST_GOOD_TAG] if pipeline.current_errors else []), *stopped]
    return [*pipeline.tags, *team, *state]
