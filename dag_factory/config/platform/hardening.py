"""What the level `restricted` of pod security demands, set where a job leaves it out.

A job that says otherwise keeps what it says, which the guard then reports.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dag_factory.config.model import Job, XcomSidecar
from dag_factory.config.pod.final_pod import BASE
from dag_factory.config.pod.strategic_merge import DIRECTIVE
from dag_factory.config.positions import Position
from dag_factory.config.tree import (
    ListNode,
    MapNode,
    Node,
    as_map,
    at,
    entries_of,
    from_python,
    is_set,
    list_node,
    map_node,
    to_python,
)

NOBODY = 65534
"""The user of Airflow's own container: its default image would run as root."""

_POD: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_CONTAINER: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_CONTEXT = "securityContext"


def harden_job(job: MapNode, position: Position) -> MapNode:
    """The resolved job with what `restricted` demands; ``position`` is where the level is set.

    Kubernetes rejects most of it in a pod of Windows.
    """
    os = at(job, ("pod", "spec", "os", "name"))
    container = {} if os is not None and to_python(os) == "windows" else _CONTAINER
    pod = _POD if container else {"runAsNonRoot": True}
    found = dict(job.entries)
    found["pod_security_context"] = _filled(found.get("pod_security_context"), pod, position)
    if container:
        found["security_context"] = _filled(found.get("security_context"), container, position)
        for key in ("sidecars", "init_containers"):
            if isinstance(containers := found.get(key), ListNode):
                found[key] = _each(containers, container, position)
        if isinstance(found.get("pod"), MapNode):
            found["pod"] = _overlay(found["pod"], _names(job), container, position)
    return map_node(found, {**dict.fromkeys(found, position), **job.keys}, job.position)


def harden_model(job: Job) -> Job:
    """The same for a model that was made before the level was set."""
    said = {
        "pod_security_context": job.pod_security_context,
        "security_context": job.security_context,
        "init_containers": list(job.init_containers),
        "pod": job.pod,
    }
    here = Position("")
    node = from_python({key: value for key, value in said.items() if value is not None}, here)
    assert isinstance(node, MapNode)
    found: dict[str, Any] = to_python(harden_job(node, here))
    return msgspec.structs.replace(job, **{**found, "init_containers": tuple(found["init_containers"])})


def harden_sidecar(settings: XcomSidecar | None) -> XcomSidecar:
    """Airflow's container for the output, as `restricted` demands it; what the environment sets stays."""
    said = settings or XcomSidecar()
    context = {"runAsUser": NOBODY, **_POD, **_CONTAINER, **(said.security_context or {})}
    return XcomSidecar(image=said.image, security_context=context, resources=said.resources)


def _overlay(overlay: Node, known: set[str], container: dict[str, Any], position: Position) -> Node:
    """The overlay with its new containers hardened; what it lays over others has that from below."""
    spec = at(overlay, ("spec",))
    if not (isinstance(overlay, MapNode) and isinstance(spec, MapNode)):
        return overlay
    inner = dict(spec.entries)
    for key in ("containers", "initContainers"):
        if isinstance(containers := inner.get(key), ListNode):
            items = tuple(
                _contained(item, container, position) if _is_new(item, known) else item for item in containers.items
            )
            inner[key] = list_node(items, containers.position)
    return map_node(
        {**overlay.entries, "spec": map_node(inner, spec.keys, spec.position)}, overlay.keys, overlay.position
    )


def _names(job: MapNode) -> set[str]:
    """The names of the job's containers but for those that only the overlay brings."""
    found = {BASE}
    for key in ("sidecars", "init_containers"):
        for item in job.list(key):
            if name := as_map(item).get("name"):
                found.add(str(to_python(name)))
    return found


def _is_new(item: Node, known: set[str]) -> bool:
    said = entries_of(item)
    directive = to_python(said[DIRECTIVE]) if DIRECTIVE in said else None
    name = to_python(said["name"]) if "name" in said else None
    return directive == "replace" or (directive != "delete" and name not in known)


def _each(containers: ListNode, defaults: dict[str, Any], position: Position) -> ListNode:
    return list_node(tuple(_contained(item, defaults, position) for item in containers.items), containers.position)


def _contained(item: Node, defaults: dict[str, Any], position: Position) -> Node:
    """One container in Kubernetes' form."""
    if not isinstance(item, MapNode):
        return item
    context = _filled(item.get(_CONTEXT), defaults, position)
    return map_node({**item.entries, _CONTEXT: context}, {_CONTEXT: position, **item.keys}, item.position)


def _filled(node: Node | None, defaults: dict[str, Any], position: Position) -> MapNode:
    """A map with what it leaves out of ``defaults``; maps in it alike."""
    said = entries_of(node)
    found = dict(said)
    for key, value in defaults.items():
        inner = said.get(key)
        if not is_set(inner):
            found[key] = from_python(value, position)
        elif isinstance(value, dict) and isinstance(inner, MapNode):
            found[key] = _filled(inner, value, position)
    known = node if isinstance(node, MapNode) else None
    keys = {**dict.fromkeys(found, position), **(known.keys if known else {})}
    return map_node(found, keys, known.position if known else position)
