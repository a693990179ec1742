"""The flavor of a try: the job's own, or a larger one after an earlier try ran out of memory."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

from dag_factory.build.pod.flavor_change import changed_arguments
from dag_factory.build.worker.tries import records
from dag_factory.config.model import Flavor, Job, with_larger_flavor
from dag_factory.config.units import size_text


def job_of_try(job: Job, context: Any) -> Job:
    """The job with the flavor of this try. A task that was cleared starts with its own flavor."""
    if not job.larger_flavors:
        return job
    flavor = records.load(context).flavor
    larger = next((one for one in job.larger_flavors if one.flavor.name == flavor), None)
    return with_larger_flavor(job, larger) if larger else job


def use_flavor(operator: Any, job: Job, other: Job, context: Any) -> None:
    """Change the arguments of a rendered operator so that its pod is that of ``other`` instead of ``job``.

    The operator keeps its labels, by which it finds the pods of this task.
    """
    changed = changed_arguments(job, other)
    # Another operator turns the arguments into attributes, as the constructor does.
    template = KubernetesPodOperator(task_id="flavor", **changed)
    for name in changed:
        setattr(operator, name, getattr(template, name))
    names = [name for name in changed if name in operator.template_fields]
    operator._do_render_template_fields(operator, names, context, operator.get_template_env(), set())


def raised_text(job: Job, other: Job) -> str:
    """The line of the log that says why a try has another flavor."""
    return (
        f"This try uses the flavor {_text(other.flavor)} instead of {job.flavor.name},"
        f" because an earlier try ran out of memory."
    )


def _text(flavor: Flavor) -> str:
    price = "" if flavor.cost_per_hour is None else f"{flavor.cost_per_hour:g} per hour"
    details = ", ".join(text for text in (size_text(flavor.limits or flavor.requests), price) if text)
    return f"{flavor.name} ({details})" if details else flavor.name
