"""What the level `restricted` of pod security demands, set where a job leaves it out.

A job that says otherwise keeps what it says, which the guard then reports.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dag_factory.config.model import Job, XcomSidecar
from dag_factory.config.pod.final_pod import BASE
from dag_factory.config.pod.strategic_merge import DIRECTIVE
from dag_factory.config.positions import Mark
from dag_factory.config.tree import Mapping, Node, Sequence, at, entries, from_plain, is_set, mapping, plain, sequence

NOBODY = 65534
"""The user of Airflow's own container: its default image would run as root."""

_POD: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_CONTAINER: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_CONTEXT = "securityContext"


def hardened(job: Mapping, mark: Mark) -> Mapping:
    """The resolved job with what `restricted` demands; ``mark`` is where the level is set.

    Kubernetes rejects most of it in a pod of Windows.
    """
    os = at(job, ("pod", "spec", "os", "name"))
    container = {} if os is not None and plain(os) == "windows" else _CONTAINER
    pod = _POD if container else {"runAsNonRoot": True}
    found = dict(job.entries)
    found["pod_security_context"] = _filled(found.get("pod_security_context"), pod, mark)
    if container:
        found["security_context"] = _filled(found.get("security_context"), container, mark)
        for key in ("sidecars", "init_containers"):
            if isinstance(containers := found.get(key), Sequence):
                found[key] = _each(containers, container, mark)
        if isinstance(found.get("pod"), Mapping):
            found["pod"] = _overlay(found["pod"], _names(job), container, mark)
    return mapping(found, {**dict.fromkeys(found, mark), **job.keys}, job.mark)


def hardened_model(job: Job) -> Job:
    """The same for a model that was made before the level was set."""
    said = {
        "pod_security_context": job.pod_security_context,
        "security_context": job.security_context,
        "init_containers": list(job.init_containers),
        "pod": job.pod,
    }
    here = Mark("")
    node = from_plain({key: value for key, value in said.items() if value is not None}, here)
    assert isinstance(node, Mapping)
    found: dict[str, Any] = plain(hardened(node, here))
    return msgspec.structs.replace(job, **{**found, "init_containers": tuple(found["init_containers"])})


def hardened_sidecar(settings: XcomSidecar | None) -> XcomSidecar:
    """Airflow's container for the output, as `restricted` demands it; what the environment sets stays."""
    said = settings or XcomSidecar()
    context = {"runAsUser": NOBODY, **_POD, **_CONTAINER, **(said.security_context or {})}
    return XcomSidecar(image=said.image, security_context=context, resources=said.resources)


def _overlay(overlay: Node, known: set[str], container: dict[str, Any], mark: Mark) -> Node:
    """The overlay with its new containers hardened; what it lays over others has that from below."""
    spec = at(overlay, ("spec",))
    if not (isinstance(overlay, Mapping) and isinstance(spec, Mapping)):
        return overlay
    inner = dict(spec.entries)
    for key in ("containers", "initContainers"):
        if isinstance(containers := inner.get(key), Sequence):
            items = tuple(
                _contained(item, container, mark) if _is_new(item, known) else item for item in containers.items
            )
            inner[key] = sequence(items, containers.mark)
    return mapping({**overlay.entries, "spec": mapping(inner, spec.keys, spec.mark)}, overlay.keys, overlay.mark)


def _names(job: Mapping) -> set[str]:
    """The names of the job's containers but for those that only the overlay brings."""
    found = {BASE}
    for key in ("sidecars", "init_containers"):
        written = job.entries.get(key)
        for item in written.items if isinstance(written, Sequence) else ():
            if name := entries(item).get("name"):
                found.add(str(plain(name)))
    return found


def _is_new(item: Node, known: set[str]) -> bool:
    said = entries(item)
    directive = plain(said[DIRECTIVE]) if DIRECTIVE in said else None
    name = plain(said["name"]) if "name" in said else None
    return directive == "replace" or (directive != "delete" and name not in known)


def _each(containers: Sequence, defaults: dict[str, Any], mark: Mark) -> Sequence:
    return sequence(tuple(_contained(item, defaults, mark) for item in containers.items), containers.mark)


def _contained(item: Node, defaults: dict[str, Any], mark: Mark) -> Node:
    """One container in Kubernetes' form."""
    if not isinstance(item, Mapping):
        return item
    context = _filled(item.entries.get(_CONTEXT), defaults, mark)
    return mapping({**item.entries, _CONTEXT: context}, {_CONTEXT: mark, **item.keys}, item.mark)


def _filled(node: Node | None, defaults: dict[str, Any], mark: Mark) -> Mapping:
    """A map with what it leaves out of ``defaults``; maps in it alike."""
    said = entries(node)
    found = dict(said)
    for key, value in defaults.items():
        inner = said.get(key)
        if not is_set(inner):
            found[key] = from_plain(value, mark)
        elif isinstance(value, dict) and isinstance(inner, Mapping):
            found[key] = _filled(inner, value, mark)
    known = node if isinstance(node, Mapping) else None
    keys = {**dict.fromkeys(found, mark), **(known.keys if known else {})}
    return mapping(found, keys, known.mark if known else mark)
