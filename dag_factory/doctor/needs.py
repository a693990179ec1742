"""What the pipelines of an environment need: objects in the cluster, pools and connections in Airflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.model import Alerts, Job, Pipeline
from dag_factory.config.pod.operator_pod import operator_pod
from dag_factory.config.pod.references import Reference, references
from dag_factory.doctor.finding import Finding, Group, Status, Use

KINDS = {
    "service_accounts": "service account",
    "secrets": "secret",
    "pull_secrets": "secret",
    "config_maps": "config map",
    "claims": "volume claim",
    "priority_classes": "priority class",
    "runtime_classes": "runtime class",
}
"""The kinds of references that are objects of Kubernetes, with the name of the object's kind."""
_WITHOUT_NAMESPACE = ("priority class", "runtime class")


class Object(msgspec.Struct, frozen=True, order=True):
    """An object of Kubernetes. ``namespace`` is empty if the kind has none, or if the connection sets it."""

    namespace: str
    kind: str
    name: str


class Need(msgspec.Struct, frozen=True):
    """Who uses a thing. ``optional``: pods start without it."""

    uses: tuple[Use, ...]
    optional: bool = False


class Needs(msgspec.Struct, frozen=True):
    """``namespaces`` are those of pods; ``writes_output``: those with a job whose output is read with `exec`."""

    namespaces: tuple[str, ...]
    writes_output: frozenset[str]
    objects: dict[Object, Need]
    pools: dict[str, Need]
    connections: dict[str, Need]


def collect_needs(pipelines: Iterable[Pipeline], connection_namespace: str) -> Needs:
    """Collect what all pods and alerts of some pipelines name. Names that are known only at run time are left out."""
    objects: dict[Object, tuple[set[Use], bool]] = {}
    pools: dict[str, set[Use]] = {}
    connections: dict[str, set[Use]] = {}
    namespaces: set[str] = set()
    with_output: set[str] = set()
    for pipeline in pipelines:
        for job in pipeline.jobs:
            use = Use(pipeline.file, job.line, pipeline.id, job.name)
            pod = operator_pod(pipeline, job)
            namespace = pod["metadata"].get("namespace") or pipeline.cluster.namespace or connection_namespace
            if not has_template(namespace):
                namespaces.add(namespace)
                with_output |= {namespace} if job.output else set()
                for found, optional in _objects(pod, namespace):
                    uses, is_optional = objects.get(found, (set(), True))
                    objects[found] = (uses | {use}, is_optional and optional)
            pools.setdefault(_pool(job), set()).add(use)
        for name in _channels(pipeline):
            connections.setdefault(name, set()).add(Use(pipeline.file, 0, pipeline.id))
        if pipeline.cluster.kubernetes_conn_id:
            use = Use(pipeline.file, 0, pipeline.id)
            connections.setdefault(pipeline.cluster.kubernetes_conn_id, set()).add(use)
    return Needs(
        tuple(sorted(namespaces)),
        frozenset(with_output),
        {one: Need(tuple(sorted(uses)), optional) for one, (uses, optional) in sorted(objects.items())},
        {name: Need(tuple(sorted(uses))) for name, uses in sorted(pools.items())},
        {name: Need(tuple(sorted(uses))) for name, uses in sorted(connections.items())},
    )


def _objects(pod: dict[str, Any], namespace: str) -> Iterator[tuple[Object, bool]]:
    for one in references(pod):
        kind = KINDS.get(one.kind)
        if kind is None or not one.parts or not _is_plain_name(one):
            continue
        yield Object("" if kind in _WITHOUT_NAMESPACE else namespace, kind, one.parts[0]), _is_optional(pod, one)


def _is_plain_name(reference: Reference) -> bool:
    """Whether the reference is the name of an object; not a template, a driver, or another source of a volume."""
    name = (reference.parts or ("",))[0]
    valid = name and len(name) <= 253 and all(char.isalnum() or char in "-." for char in name)
    return bool(valid) and not has_template(name) and reference.path[-1] != "secretProviderClass"


def _is_optional(pod: dict[str, Any], reference: Reference) -> bool:
    found: Any = pod
    for step in reference.path[:-1]:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(found, dict) and found.get("optional") is True


def _pool(job: Job) -> str:
    return job.pool or job.flavor.pool or "default_pool"


def _channels(pipeline: Pipeline) -> set[str]:
    """The connections of the channels that the pipeline or a job names."""
    if not pipeline.alerts_enabled:
        return set()
    named = {name for alerts in (pipeline.alerts, *(job.alerts for job in pipeline.jobs)) for name in _names(alerts)}
    return {one.connection for one in pipeline.channels if one.connection and one.name in named}


def _names(alerts: Alerts) -> set[str]:
    events = (alerts.on_failure, alerts.on_success, alerts.on_retry, alerts.on_deadline, alerts.on_recovery)
    return {name for event in events for name in event}


def finding(
    group: Group,
    environment: str,
    check: str,
    status: Status,
    subject: str,
    message: str,
    fix: str = "",
    uses: Need | None = None,
) -> Finding:
    """The result of a check of one environment. ``uses``: who needs the subject."""
    return Finding(
        check=check,
        group=group,
        status=status,
        subject=subject,
        message=message,
        fix=fix,
        environment=environment,
        uses=uses.uses if uses else (),
    )
