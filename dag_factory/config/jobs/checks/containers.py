"""What is wrong with a job's containers, held against each other and against the job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.containers import job_containers
from dag_factory.config.pod.final_pod import BASE, XCOM, flavor_volumes
from dag_factory.config.pod.strategic_merge import DIRECTIVE, apply_patch
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, at, is_null, position_at, to_python
from dag_factory.config.units import quantity

_OURS = "dagwright/"
_BEFORE: tuple[KeyPath, ...] = (("sidecars",), ("init_containers",))
_INIT: KeyPath = ("pod", "spec", "initContainers")
_MAIN: KeyPath = ("pod", "spec", "containers")
_SPREAD: KeyPath = ("pod", "spec", "topologySpreadConstraints")
_OF_A_CONSTRAINT = ("maxSkew", "topologyKey", "whenUnsatisfiable")
_LABELS: KeyPath = ("pod", "metadata", "labels")


def _volumes(job: Job) -> list[str]:
    """The names of the pod's volumes."""
    own = [{"name": volume.name} for volume in job.volumes]
    volumes: Fragment = {"volumes": [*own, *flavor_volumes(job), *([{"name": "xcom"}] * job.output)]}
    found = apply_patch({"spec": volumes}, job.pod or {})["spec"].get("volumes") or ()
    return [volume["name"] for volume in found]


def check(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """What Kubernetes or the operator would make of a wrong container only at night.

    ``node`` is the job's tree, ``path`` where it stands in its document.
    """
    if not job.init_containers and job.pod is None:
        return
    yield from _names(node, path)
    yield from _overlay(job, node, path)
    yield from _spread(job, node, path)
    yield from _requests(job, node, path)
    known = _volumes(job)
    for steps, container in _written(node):
        for index, mount in enumerate(container.get("volumeMounts") or ()):
            if mount.get("name") not in (None, *known) and mount.get(DIRECTIVE) != "delete":
                where = (*steps, "volumeMounts", index)
                message = f"`{mount['name']}` is no volume of this job"
                hint = did_you_mean(mount["name"], known) or "name one in `volumes: [{name: ..., mount_path: ...}]`"
                yield Problem.at(position_at(node, (*where, "name")), (*path, *where), "unknown-volume", message, hint)


def _spread(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """A constraint whose parts come from several layers is whole only once they are laid over each other."""
    constraints = at(node, _SPREAD)
    spec = apply_patch({}, job.pod or {}).get("spec") or {}
    left = {one["topologyKey"]: one for one in spec.get("topologySpreadConstraints") or ()}
    for index, one in enumerate(to_python(constraints) or () if constraints is not None else ()):
        final = left.pop(one["topologyKey"], None)  # none where it is taken away, or written twice and told
        missing = [key for key in _OF_A_CONSTRAINT if final and final.get(key) is None]
        if missing:
            where = (*_SPREAD, index)
            message, hint = f"the constraint has no `{missing[0]}`", "Kubernetes needs " + ", ".join(_OF_A_CONSTRAINT)
            yield Problem.at(position_at(node, where), (*path, *where), "missing-key", message, hint)


def _requests(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """A container that requests more than its limit, which Kubernetes rejects."""
    final = {one.name: one for one in job_containers(job)}
    for steps, container in _written(node):
        one = final.pop(container["name"], None)
        for name, wanted in one.requests.items() if one and container.get("resources") else ():
            limit = one.limits.get(name, wanted) if one else wanted
            more, most = quantity(wanted), quantity(limit)
            if more is not None and most is not None and more > most:
                key = "requests" if name in (container["resources"].get("requests") or {}) else "limits"
                where = (*steps, "resources", key, name)
                message = f"the container `{container['name']}` requests {name} {wanted}, more than its limit {limit}"
                hint = "raise the limit or lower the request"
                yield Problem.at(position_at(node, where), (*path, *where), "request-over-limit", message, hint)


def _written(node: MapNode) -> Iterator[tuple[KeyPath, Fragment]]:
    """Each container that is written somewhere, with its place below the job; one whose name was wrong is not."""
    for steps in (*_BEFORE, _INIT, _MAIN):
        found: Any = to_python(node)
        for step in steps:
            found = found.get(step) if isinstance(found, dict) else None
        for index, container in enumerate(found or ()):
            if "name" in container:
                yield (*steps, index), container


def _names(node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """A name is one container's. In an overlay it means the container of that name, where its list has one."""
    seen: dict[str, KeyPath] = {}
    overlaid: set[str] = set()
    for steps, container in _written(node):
        name, group = container["name"], steps[:-1]
        first = seen.get(name)
        seen.setdefault(name, group)
        hint = "call this one otherwise"
        if name == XCOM:
            message, hint = f"`{XCOM}` is Airflow's own container", "an environment's `cluster.xcom_sidecar` sets it"
        elif name == BASE and group != _MAIN:
            message = f"`{BASE}` is the job's own container"
        elif first is None:
            continue
        elif group == _INIT and first in _BEFORE and name not in overlaid:
            overlaid.add(name)
            continue
        else:
            message = f"another container is called `{name}` already"
            hint = "lay it over that one, under `initContainers`" if group == _MAIN and first in _BEFORE else hint
        position = position_at(node, (*steps, "name"))
        yield Problem.at(position, (*path, *steps), "container-name-taken", message, hint)


def _overlay(job: Job, node: MapNode, path: KeyPath) -> Iterator[Problem]:
    """What an overlay may not do, and a container that nobody ends."""
    images = {one.name: one.image for one in job_containers(job)}
    for steps, container in _written(node):
        name, position = container["name"], position_at(node, (*steps, "name"))
        if steps[0] != "pod" or container.get(DIRECTIVE) == "delete":
            if steps[:-1] == _MAIN and name == BASE:
                message, hint = "the job's own container cannot be taken away", "say what differs in it"
                yield Problem.at(position, (*path, *steps), "no-base-container", message, hint)
            continue
        if not images.get(name) and name == BASE:
            message, hint = "the job's own container has no `image` left", "leave the key out, or name an image"
            image = (*steps, "image")
            yield Problem.at(position_at(node, image), (*path, *image), "missing-key", message, hint)
        elif not images.get(name) and name != XCOM:
            message = f"there is no container `{name}`, and a new one needs an `image`"
            yield Problem.at(position, (*path, *steps), "missing-key", message, did_you_mean(name, images))
        elif steps[:-1] == _MAIN and name not in (BASE, XCOM):
            message = f"the job's pod ends only when its container `{name}` ends by itself"
            hint = "under `sidecars` it would be ended with the job"
            yield Problem.at(position, (*path, *steps), "second-container", message, hint, "warning")
    if is_null(at(node, _MAIN)):
        message, hint = "the job's own container cannot be taken away", "leave the key out, or say what differs"
        yield Problem.at(position_at(node, _MAIN), (*path, *_MAIN), "no-base-container", message, hint)
    if is_null(at(node, _LABELS)):
        message, hint = f"labels below `{_OURS}` are the factory's own and stay", "unset single labels: `name: null`"
        yield Problem.at(position_at(node, _LABELS), (*path, *_LABELS), "reserved-label", message, hint)
