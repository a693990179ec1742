"""Errors of a job's containers that involve each other or the rest of the job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.containers import job_containers
from dag_factory.config.pod.final_pod import BASE, XCOM, flavor_volumes
from dag_factory.config.pod.strategic_merge import DIRECTIVE, apply_patch
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean, nearest
from dag_factory.config.tree import MapNode, at, is_null, position_at, to_python
from dag_factory.config.units import quantity

_LABEL_PREFIX = "dagwright/"
_INIT_LISTS: tuple[KeyPath, ...] = (("sidecars",), ("init_containers",))
_INIT: KeyPath = ("pod", "spec", "initContainers")
_MAIN: KeyPath = ("pod", "spec", "containers")
_SPREAD: KeyPath = ("pod", "spec", "topologySpreadConstraints")
_CONSTRAINT_KEYS = ("maxSkew", "topologyKey", "whenUnsatisfiable")
_LABELS: KeyPath = ("pod", "metadata", "labels")


def _volume_names(job: Job) -> list[str]:
    """The names of the pod's volumes."""
    own = [{"name": volume.name} for volume in job.volumes]
    volumes: Fragment = {"volumes": [*own, *flavor_volumes(job), *([{"name": "xcom"}] * job.output)]}
    found = apply_patch({"spec": volumes}, job.pod or {})["spec"].get("volumes") or ()
    return [volume["name"] for volume in found]


def check(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """Problems that Kubernetes or the operator would otherwise report only when the job runs.

    ``node`` is the job's tree, ``path`` its path in the document.
    """
    if not job.init_containers and job.pod is None:
        return
    yield from _check_names(node, path)
    yield from _check_overlay(job, node, path)
    yield from _check_spread(job, node, path)
    yield from _check_requests(job, node, path)
    known = _volume_names(job)
    for steps, container in _containers_in_file(node):
        for index, mount in enumerate(container.get("volumeMounts") or ()):
            if mount.get("name") not in (None, *known) and mount.get(DIRECTIVE) != "delete":
                where = (*steps, "volumeMounts", index)
                message = f"the job has no volume `{mount['name']}`"
                hint = did_you_mean(mount["name"], known) or "add it under `volumes: [{name: ..., mount_path: ...}]`"
                yield Problem.at(position_at(node, (*where, "name")), (*path, *where), "unknown-volume", message, hint)


def _check_spread(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """A constraint without a required key, once its parts from several layers are merged."""
    constraints = at(node, _SPREAD)
    spec = apply_patch({}, job.pod or {}).get("spec") or {}
    by_topology_key = {one["topologyKey"]: one for one in spec.get("topologySpreadConstraints") or ()}
    for index, one in enumerate(to_python(constraints) or () if constraints is not None else ()):
        final = by_topology_key.pop(one["topologyKey"], None)  # None if it is removed, or a reported duplicate
        missing = [key for key in _CONSTRAINT_KEYS if final and final.get(key) is None]
        if missing:
            where = (*_SPREAD, index)
            message = f"the constraint has no `{missing[0]}`"
            hint = f"add it; Kubernetes requires {', '.join(_CONSTRAINT_KEYS)}"
            yield Problem.at(position_at(node, where), (*path, *where), "missing-key", message, hint)


def _check_requests(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """A container that requests more than its limit, which Kubernetes rejects."""
    final = {one.name: one for one in job_containers(job)}
    for steps, container in _containers_in_file(node):
        one = final.pop(container["name"], None)
        for name, wanted in one.requests.items() if one and container.get("resources") else ():
            limit = one.limits.get(name, wanted) if one else wanted
            more, most = quantity(wanted), quantity(limit)
            if more is not None and most is not None and more > most:
                key = "requests" if name in (container["resources"].get("requests") or {}) else "limits"
                where = (*steps, "resources", key, name)
                message = (
                    f"the container `{container['name']}` requests {name} {wanted}, which exceeds its limit {limit}"
                )
                hint = "raise the limit or lower the request"
                yield Problem.at(position_at(node, where), (*path, *where), "request-over-limit", message, hint)


def _containers_in_file(node: MapNode) -> Iterator[tuple[KeyPath, Fragment]]:
    """Each container in the file with its path below the job, without those whose name had an error."""
    for steps in (*_INIT_LISTS, _INIT, _MAIN):
        found: Any = to_python(node)
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
        for index, container in enumerate(found or ()):
            if "name" in container:
                yield (*steps, index), container


def _check_names(node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """Duplicate and reserved names. In an overlay, the name of an existing container refers to that container."""
    seen: dict[str, KeyPath] = {}
    overlaid: set[str] = set()
    for steps, container in _containers_in_file(node):
        name, group = container["name"], steps[:-1]
        first = seen.get(name)
        seen.setdefault(name, group)
        hint = "use another name"
        if name == XCOM:
            message, hint = (
                f"the name `{XCOM}` is reserved for a container of Airflow",
                "set `cluster.xcom_sidecar` in the environment instead",
            )
        elif name == BASE and group != _MAIN:
            message = f"the name `{BASE}` is reserved for the job's own container"
        elif first is None:
            continue
        elif group == _INIT and first in _INIT_LISTS and name not in overlaid:
            overlaid.add(name)
            continue
        else:
            message = f"another container is already named `{name}`"
            hint = (
                "to change that container, write this under `initContainers`"
                if group == _MAIN and first in _INIT_LISTS
                else hint
            )
        position = position_at(node, (*steps, "name"))
        yield Problem.at(position, (*path, *steps), "container-name-taken", message, hint)


def _check_overlay(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """Errors in an overlay, and a container that keeps the pod running."""
    images = {one.name: one.image for one in job_containers(job)}
    for steps, container in _containers_in_file(node):
        name, position = container["name"], position_at(node, (*steps, "name"))
        if steps[0] != "pod" or container.get(DIRECTIVE) == "delete":
            if steps[:-1] == _MAIN and name == BASE:
                message, hint = "the job's own container cannot be removed", "set only the values that differ"
                yield Problem.at(position, (*path, *steps), "no-base-container", message, hint)
            continue
        if not images.get(name) and name == BASE:
            message, hint = "the job's own container has no `image`", "remove this key, or set an image"
            image = (*steps, "image")
            yield Problem.at(position_at(node, image), (*path, *image), "missing-key", message, hint)
        elif not images.get(name) and name != XCOM:
            message = f"there is no container `{name}`, and a new container needs an `image`"
            near = nearest(name, [one for one, image in images.items() if image])
            hint = f"did you mean `{near}`?" if near else f"add an `image`, or use `{BASE}`, the job's own container"
            yield Problem.at(position, (*path, *steps), "missing-key", message, hint)
        elif steps[:-1] == _MAIN and name not in (BASE, XCOM):
            message = f"the job's pod does not end until its container `{name}` ends"
            hint = "move it to `sidecars`, which are stopped when the job ends"
            yield Problem.at(position, (*path, *steps), "second-container", message, hint, "warning")
    if is_null(at(node, _MAIN)):
        message, hint = (
            "the job's own container cannot be removed",
            "remove this key, or set only the values that differ",
        )
        yield Problem.at(position_at(node, _MAIN), (*path, *_MAIN), "no-base-container", message, hint)
    if is_null(at(node, _LABELS)):
        message, hint = (
            f"labels that begin with `{_LABEL_PREFIX}` cannot be removed",
            "unset single labels: `name: null`",
        )
        yield Problem.at(position_at(node, _LABELS), (*path, *_LABELS), "reserved-label", message, hint)
