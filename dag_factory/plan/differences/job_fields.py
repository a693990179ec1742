"""The fields of a job that differ: those of its final pod, and the keys of the language that set no field of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.model import Cluster, Flavor, Job, LargerFlavor, with_larger_flavor
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.plan.differences.effect import job_effect, key_of
from dag_factory.plan.differences.values import differences, plain
from dag_factory.plan.model import ABSENT, FieldChange

_IN_POD = {
    "image": "docker_image",
    "command": "command",
    "args": "args",
    "working_dir": "working_dir",
    "ports": "ports",
    "env": "env",
    "env_from": "env_from",
    "volumes": "volumes",
    "termination_grace": "termination_grace",
    "service_account": "service_account",
    "labels": "labels",
    "annotations": "annotations",
    "node_selector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "priority_class": "priority_class",
    "runtime_class": "runtime_class",
    "image_pull_policy": "image_pull_policy",
    "image_pull_secrets": "image_pull_secrets",
    "security_context": "security_context",
    "pod_security_context": "pod_security_context",
    "host_aliases": "host_aliases",
    "init_containers": "init_containers",
    "pod": "pod",
}
"""The fields of a job that its pod shows, with their keys of the language."""
_FLAVOR_IN_POD = ("requests", "limits", "gpu_count", "gpu_resource", "shm")
_KEYS = {"teardown_of": "teardown"}
_APART = frozenset({"name", "line", "doc", "depends_on", "flavor", "larger_flavors", "largest_because", *_IN_POD})
_DEADLINE = "spec.activeDeadlineSeconds"
_FLAVOR = "resource_flavor"


def job_fields(before: Job, after: Job, clusters: tuple[Cluster, Cluster]) -> list[FieldChange]:
    """Every field that differs. Edges to other jobs, and the namespace of the cluster, are not among them."""
    found = _own_fields(before, after, clusters)
    if before.larger_flavors != after.larger_flavors or before.largest_because != after.largest_because:
        known = {(one.path, _values(one)) for one in found}
        larger = _larger_fields(before, after, clusters)
        found += (one for one in larger if (one.path.partition("]: ")[2], _values(one)) not in known)
    return found


def _own_fields(before: Job, after: Job, clusters: tuple[Cluster, Cluster]) -> list[FieldChange]:
    pods = [final_pod(job, _without_namespace(cluster)) for job, cluster in zip((before, after), clusters, strict=True)]
    in_pod = list(differences("", *pods))
    by_key = list(_by_key(before, after))
    if any(one.path == "timeout" for one in by_key):
        in_pod = [one for one in in_pod if one.path != _DEADLINE or _not_timeout(one, before, after)]
    if not in_pod:
        by_key += _hidden_by_overlay(before, after)
    return in_pod + by_key


def _by_key(before: Job, after: Job) -> Iterator[FieldChange]:
    for name in before.__struct_fields__:
        if name not in _APART:
            yield from _field(_KEYS.get(name, name), getattr(before, name), getattr(after, name))
    old, new = before.flavor, after.flavor
    yield from differences(_FLAVOR, old.name, new.name)
    for name in Flavor.__struct_fields__:
        if name not in ("name", *_FLAVOR_IN_POD):
            yield from _field(f"{_FLAVOR}.{name}", getattr(old, name), getattr(new, name))


def _field(key: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if before is not after and not (isinstance(before, str) and before == after):
        yield from differences(key, plain(before), plain(after))


def _hidden_by_overlay(before: Job, after: Job) -> Iterator[FieldChange]:
    """The keys of the pod that differ although the pod does not: its overlay replaces them."""
    for name, key in _IN_POD.items():
        yield from differences(key, plain(getattr(before, name)), plain(getattr(after, name)))
    for name in _FLAVOR_IN_POD:
        old, new = getattr(before.flavor, name), getattr(after.flavor, name)
        yield from differences(f"{_FLAVOR}.{name}", plain(old), plain(new))


def _larger_fields(before: Job, after: Job, clusters: tuple[Cluster, Cluster]) -> Iterator[FieldChange]:
    """The flavors for tries after out-of-memory: which they are, and what differs in the tries that use them."""
    names = [[one.flavor.name for one in job.larger_flavors] for job in (before, after)]
    if names[0] != names[1] or before.largest_because != after.largest_because:
        yield FieldChange(f"{_FLAVOR}.next", _chain(before), _chain(after))
    old = {one.flavor.name: one for one in before.larger_flavors}
    for larger in after.larger_flavors:
        if (previous := old.get(larger.flavor.name)) is not None:
            fields = _own_fields(_job_of(before, previous), _job_of(after, larger), clusters)
            for one in fields:
                yield msgspec.structs.replace(one, path=f"{_FLAVOR}.next[{larger.flavor.name}]: {one.path}")


def _chain(job: Job) -> Any:
    names: list[Any] = [one.flavor.name for one in job.larger_flavors]
    if job.largest_because:
        names.append(job.largest_because)
    return names or ABSENT


def _job_of(job: Job, larger: LargerFlavor) -> Job:
    return job_effect(msgspec.structs.replace(with_larger_flavor(job, larger), larger_flavors=(), largest_because=""))


def _values(change: FieldChange) -> bytes:
    return key_of((change.before, change.after))


def _not_timeout(change: FieldChange, before: Job, after: Job) -> bool:
    return (change.before, change.after) != (plain(before.timeout), plain(after.timeout))


def _without_namespace(cluster: Cluster) -> Cluster:
    return msgspec.structs.replace(cluster, namespace=None) if cluster.namespace else cluster
