"""Select the tasks that a worker must build: the task that it runs, and its neighbors.

Airflow's worker parses the DAG again for each task that it starts, and runs one task of it. The neighbors are the
tasks whose ids Airflow reads from that task, and those that Airflow must know to be mapped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from airflow import settings

from dag_factory.config import model

# In JSON a line break is two characters, the second of which is a letter. A word can begin right after it.
_READS_DAG = re.compile(rb"(?:\b|\\[a-z]|\\u[0-9a-f]{4})(?:dag|task|ti|task_instance)\b")
_TEMPLATE = re.compile(rb"\{[{%]")


def jobs_to_build(pipeline: model.Pipeline, task: str) -> tuple[model.Job, ...]:
    """Return the jobs to build if a worker runs ``task``, in the pipeline's order.

    All jobs are built if a template of the job can read the DAG (``dag``, ``task``, ``ti``) or if the platform has a
    ``dag_policy``. They are also built if there is no such task: then Airflow reports it.
    """
    jobs = {job.name: job for job in pipeline.jobs}
    users = _list_users(pipeline, task)
    if users:
        return tuple(job for job in pipeline.jobs if job.name in users)
    if task not in jobs or _may_read_dag(jobs[task]) or _has_dag_policy():
        return pipeline.jobs
    wanted = set(_neighbors(jobs, task))
    return tuple(job for job in pipeline.jobs if job.name in wanted)


def _neighbors(jobs: dict[str, model.Job], task: str) -> Iterator[str]:
    names = [task, *jobs[task].depends_on, *jobs[task].teardown_of]
    names += [job.name for job in jobs.values() if task in job.depends_on or task in job.teardown_of]
    for name in names:
        yield name
        # A mapped task refers to the task whose output is its list, which may be mapped itself.
        while (each := jobs[name].for_each) and each.output is not None and not each.own_task:
            name = each.output
            yield name


def _list_users(pipeline: model.Pipeline, task: str) -> set[str]:
    """Return the jobs that run over the list of a list task, and the job whose output contains the list.

    Airflow stores the length of a list only if the task that returns it finds the tasks that run over it.
    """
    owner = task.removesuffix(model.items_task(""))
    if owner == task or _has_dag_policy():
        return set()
    paths = [path for path in pipeline.groups if model.group_id(path) == owner]
    found = {job.name for job in pipeline.jobs if job.name == owner or job.mapped_group in paths}
    for job in pipeline.jobs:
        each = job.for_each
        if job.name in found and each and each.output and each.own_task:
            found.add(each.output)
    return found | {one.output for path in paths if (one := pipeline.groups[path]).output}


def _may_read_dag(job: model.Job) -> bool:
    text = msgspec.json.encode(job)
    return bool(_TEMPLATE.search(text) and _READS_DAG.search(text))


def _has_dag_policy() -> bool:
    """Return whether a ``dag_policy`` reads each DAG after it is parsed."""
    return bool(settings.get_policy_plugin_manager().hook.dag_policy.get_hookimpls())
