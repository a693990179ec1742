"""The Markdown page of a task: what Airflow shows about a job."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dag_factory.build.pages.markdown import code, contained, escape
from dag_factory.build.pages.wording import (
    alert_lines,
    alert_list,
    bullets,
    container_size,
    explain_command,
    flavor_size,
    pod_size,
)
from dag_factory.config import model
from dag_factory.config.pod.containers import Container, pod_containers
from dag_factory.config.pod.final_pod import assemble_pod
from dag_factory.config.units import duration_text

_KINDS = {"sidecar": "sidecar", "init": "init container"}


def task_page(job: model.Job, pipeline: model.Pipeline | None = None) -> str:
    """Return the page of a job's task. With ``pipeline``, it names the command that explains the values of the job."""
    cost = job.flavor.cost_per_hour
    flavor = f"{code(job.flavor.name)}: {flavor_size(job.flavor)}"
    price = f", {cost:g} per hour" if cost is not None else ""
    pod = assemble_pod(job, None) if job.init_containers or job.pod else {}
    containers = pod_containers(pod) if pod else ()
    parts = (
        contained(job.doc or ""),
        flavor + price,
        "; ".join(job_features(job)),
        _containers(pod, containers) if len(containers) > 1 else "",
        "The job's `pod:` is merged over all of this." if job.pod else "",
        _retries(job.retries),
        bullets("After a failure:", _after_failure(job)),
        alert_list(alert_lines(job.alerts)),
        explain_command(pipeline, job.name) if pipeline else "",
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def job_features(job: model.Job) -> list[str]:
    """Return a short phrase for each special feature of a job: its matrix, list, condition, group, assets."""
    features = []
    if job.matrix:
        features.append(", ".join(f"{escape(name)} = {code(_value(value))}" for name, value in job.matrix.items()))
    if job.for_each:
        features.append(_for_each(job.for_each))
    if job.teardown_of:
        features.append(f"tears down {', '.join(code(name) for name in job.teardown_of)}, even after a failure")
    if job.when is not None:
        features.append(f"when {code(job.when)}")
    if job.group:
        each = ", once per item of its list" if job.mapped_group else ""
        features.append(f"in the group {code(job.group)}{each}")
    for verb, assets in (("reads", job.inlets), ("updates", job.outlets)):
        if assets:
            features.append(f"{verb} {', '.join(code(asset.name) for asset in assets)}")
    return features


def _containers(pod: model.Fragment, containers: Sequence[Container]) -> str:
    """Return the size of the whole pod, and a list of the containers besides the job's own."""
    size = pod_size(pod, containers)
    head = f"The whole pod uses at most {size}. Its other containers:" if size else "Other containers:"
    return "\n".join([head, "", *(f"- {_container(one)}" for one in containers if one.kind != "job")])


def _container(container: Container) -> str:
    size = container_size(container.limits or container.requests)
    kind = _KINDS.get(container.kind, "container")
    return f"{code(container.name)} ({kind}, {code(container.image)})" + (f": {size}" if size else "")


def _for_each(each: model.ForEach) -> str:
    if each.output:
        source = code(each.output) + (f" at {code('.'.join(each.path))}" if each.path else "")
    elif each.param:
        source = f"the param {code(each.param)}"
    else:
        count = len(each.items or ())
        source = f"a list of {count} item{'' if count == 1 else 's'}"
    variable = f", as {code(each.variable)}" if each.variable else ""
    limit = f", at most {each.max_parallel} at once" if each.max_parallel else ""
    return f"once per item of {source}{variable}{limit}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _retries(retries: model.Retries) -> str:
    """Return how often a failed job is tried again, and after which delay."""
    if not retries.count:
        return ""
    parts = [f"Retries: {retries.count}"]
    if retries.rule:
        parts.append(f"rule {code(retries.rule)}")
    if retries.delay is not None:
        parts.append(f"delay {duration_text(retries.delay)}")
    if retries.backoff == "exponential":
        limit = f" up to {duration_text(retries.max_delay)}" if retries.max_delay else ""
        parts.append("exponential backoff" + limit)
    return ", ".join(parts)


def _after_failure(job: model.Job) -> list[str]:
    """Return a line for each kind of failure that has its own rule. The first rule that matches applies."""
    names = [code(one.flavor.name) for one in job.larger_flavors]
    larger = f"retry with a larger flavor: {', then '.join(names)}" if names else "retry (no larger flavor)"
    lines = []
    for one in job.retries.on:
        failure = ", ".join([*map(code, one.reasons), *(f"exit code {number}" for number in one.exit_codes)])
        then = {"retry": "retry", "fail": "no retry", "next_flavor": larger}[one.then]
        delay = f" after {duration_text(one.delay)}" if one.delay is not None else ""
        lines.append(f"after {failure}: {then}{delay}")
    if job.flavor.next and all("OOMKilled" not in one.reasons for one in job.retries.on):
        lines.append(f"the next flavor, {code(job.flavor.next)}, is not used: no retry rule has `then: next_flavor`")
    return lines
