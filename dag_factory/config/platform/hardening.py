"""Hardening: set what the pod security level `restricted` requires, where a job does not set it.

A job that sets another value keeps it, and the guard reports it.
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
"""The user of Airflow's own container, whose default image would run as root."""

_POD: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_CONTAINER: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_CONTEXT = "securityContext"


def harden_job(job: MapNode, position: Position) -> MapNode:
    """The resolved job with the settings that `restricted` requires; ``position`` is where the level is set.

    Kubernetes rejects most of them in a Windows pod.
    """
    os = at(job, ("pod", "spec", "os", "name"))
    is_windows = os is not None and to_python(os) == "windows"
    pod = {"runAsNonRoot": True} if is_windows else _POD
    entries = dict(job.entries)
    entries["pod_security_context"] = _with_defaults(entries.get("pod_security_context"), pod, position)
    if not is_windows:
        entries["security_context"] = _with_defaults(entries.get("security_context"), _CONTAINER, position)
        for key in ("sidecars", "init_containers"):
            if isinstance(containers := entries.get(key), ListNode):
                items = tuple(_harden_container(item, position) for item in containers.items)
                entries[key] = list_node(items, containers.position)
        if isinstance(entries.get("pod"), MapNode):
            entries["pod"] = _harden_overlay(entries["pod"], _container_names(job), position)
    return map_node(entries, {**dict.fromkeys(entries, position), **job.keys}, job.position)


def harden_model(job: Job) -> Job:
    """The same for a model that was compiled before the level was set."""
    fields = {
        "pod_security_context": job.pod_security_context,
        "security_context": job.security_context,
        "init_containers": list(job.init_containers),
        "pod": job.pod,
    }
    nowhere = Position("")
    node = from_python({key: value for key, value in fields.items() if value is not None}, nowhere)
    assert isinstance(node, MapNode)
    hardened: dict[str, Any] = to_python(harden_job(node, nowhere))
    return msgspec.structs.replace(job, **{**hardened, "init_containers": tuple(hardened["init_containers"])})


def harden_sidecar(settings: XcomSidecar | None) -> XcomSidecar:
    """Airflow's container for the output, with what `restricted` requires; the environment's settings override it."""
    own = settings or XcomSidecar()
    context = {"runAsUser": NOBODY, **_POD, **_CONTAINER, **(own.security_context or {})}
    return XcomSidecar(image=own.image, security_context=context, resources=own.resources)


def _harden_overlay(overlay: Node, known: set[str], position: Position) -> Node:
    """The overlay with its new containers hardened; a container that it patches is hardened in the job already."""
    spec = at(overlay, ("spec",))
    if not (isinstance(overlay, MapNode) and isinstance(spec, MapNode)):
        return overlay
    entries = dict(spec.entries)
    for key in ("containers", "initContainers"):
        if isinstance(containers := entries.get(key), ListNode):
            items = (
                _harden_container(item, position) if _is_new_container(item, known) else item
                for item in containers.items
            )
            entries[key] = list_node(tuple(items), containers.position)
    hardened = map_node(entries, spec.keys, spec.position)
    return map_node({**overlay.entries, "spec": hardened}, overlay.keys, overlay.position)


def _container_names(job: MapNode) -> set[str]:
    """The names of the job's containers, without those that only the overlay adds."""
    names = {BASE}
    for key in ("sidecars", "init_containers"):
        for item in job.list(key):
            if name := as_map(item).get("name"):
                names.add(str(to_python(name)))
    return names


def _is_new_container(item: Node, known: set[str]) -> bool:
    """Whether a container of the overlay is not a patch of one of ``known``."""
    entries = entries_of(item)
    directive = to_python(entries[DIRECTIVE]) if DIRECTIVE in entries else None
    name = to_python(entries["name"]) if "name" in entries else None
    return directive == "replace" or (directive != "delete" and name not in known)


def _harden_container(item: Node, position: Position) -> Node:
    """One container, written as in Kubernetes, with what `restricted` requires."""
    if not isinstance(item, MapNode):
        return item
    context = _with_defaults(item.get(_CONTEXT), _CONTAINER, position)
    return map_node({**item.entries, _CONTEXT: context}, {_CONTEXT: position, **item.keys}, item.position)


def _with_defaults(node: Node | None, defaults: dict[str, Any], position: Position) -> MapNode:
    """The map with ``defaults`` for keys that it does not set, and likewise for the maps in it."""
    entries = dict(entries_of(node))
    for key, default in defaults.items():
        value = entries.get(key)
        if not is_set(value):
            entries[key] = from_python(default, position)
        elif isinstance(default, dict) and isinstance(value, MapNode):
            entries[key] = _with_defaults(value, default, position)
    keys = dict.fromkeys(entries, position)
    if isinstance(node, MapNode):
        return map_node(entries, {**keys, **node.keys}, node.position)
    return map_node(entries, keys, position)
