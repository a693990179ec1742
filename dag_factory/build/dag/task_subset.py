"""What a worker needs of a DAG: the task that it runs, and those beside it.

Airflow's worker parses a DAG anew for each task that it starts, and runs one of its tasks. Constructed are those whose
ids Airflow looks for at the task or, where a list runs over its output, whose kind it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from airflow import settings

from dag_factory.config import model

# In JSON a line's end is two characters, of which the second is a letter: a word may begin behind it.
_READS_DAG = re.compile(rb"(?:\b|\\[a-z]|\\u[0-9a-f]{4})(?:dag|task|ti|task_instance)\b")
_TEMPLATE = re.compile(rb"\{[{%]")


def jobs_to_build(pipeline: model.Pipeline, task: str) -> tuple[model.Job, ...]:
    """The jobs to construct where ``task`` is to be run, in the pipeline's order.

    All of them where something could look at the others: a template of the job by Airflow's words, or the
    platform's policy for DAGs. And where there is no such job: Airflow has words for that.
    """
    jobs = {job.name: job for job in pipeline.jobs}
    runners = _list_users(pipeline, task)
    if runners:
        return tuple(job for job in pipeline.jobs if job.name in runners)
    if task not in jobs or _may_read_dag(jobs[task]) or _has_dag_policy():
        return pipeline.jobs
    wanted = set(_beside(jobs, task))
    return tuple(job for job in pipeline.jobs if job.name in wanted)


def _beside(jobs: dict[str, model.Job], task: str) -> Iterator[str]:
    beside = [task, *jobs[task].depends_on, *jobs[task].teardown_of]
    beside += [job.name for job in jobs.values() if task in job.depends_on or task in job.teardown_of]
    for name in beside:
        yield name
        # A mapped task holds the one that its list comes from, which may be mapped itself.
        while (each := jobs[name].for_each) and each.output is not None and not each.own_task:
            name = each.output
            yield name


def _list_users(pipeline: model.Pipeline, task: str) -> set[str]:
    """The jobs that run over the list of a task that makes one, and the job that it is a part of.

    Airflow stores the length of a list only if the task that gives it finds who runs over it.
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
    """Whether a ``dag_policy`` sees each DAG after its parse."""
    return bool(settings.get_policy_plugin_manager().hook.dag_policy.get_hookimpls())
