"""Server-side tables, which ``kubectl get`` prints, for clients whose Accept header requests ``as=Table``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..objects import clock
from ..objects.store import Object
from ..resources.errors import bad_request
from ..resources.kinds import Resource

Row = Callable[[Object], list[Any]]


def is_requested(accept: str) -> bool:
    return "as=Table" in accept.split(",")[0]


def included(query: Mapping[str, str]) -> str:
    """How much of an object each row has: ``Metadata``, ``Object`` or ``None``. Raises a 400."""
    value = query.get("includeObject") or "Metadata"
    if value not in ("Metadata", "Object", "None"):
        text = "must be 'Metadata', 'Object', 'None', or empty"
        raise bad_request(f'includeObject: Invalid value: "{value}": {text}')
    return value


def make_table(
    resource: Resource, objects: list[Object], meta: dict[str, Any], include: str = "Metadata"
) -> dict[str, Any]:
    """``meta`` is the metadata of the list, or of the object for a single get. ``include``: see ``included``."""
    columns, row = _KINDS.get(resource.name, _DEFAULT)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {key: meta[key] for key in ("resourceVersion", "continue", "remainingItemCount") if key in meta},
        "columnDefinitions": [
            {
                "name": name.strip("+"),
                "type": "integer" if name == "Data" else "string",
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": 1 if name.startswith("+") else 0,
            }
            for name in columns
        ],
        "rows": [
            {
                "cells": row(obj),
                **_row_conditions(resource, obj),
                "object": _row_object(resource, obj, include),
            }
            for obj in objects
        ],
    }


def _row_object(resource: Resource, obj: Object, include: str) -> Object | None:
    if include == "None":
        return None
    if include == "Object":  # kubectl sorts by its fields
        return {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def age(since: str | None) -> str:
    """The time since then, rounded as kubectl does: ``45s``, ``3m10s``, ``2h5m``, ``3d``."""
    if not since:
        return "<unknown>"
    seconds = max(0, int(time.time() - clock.parse(since)))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    return f"{days}d" if days >= 8 or not hours % 24 else f"{days}d{hours % 24}h"


def pod_status(pod: Object) -> str:
    """The STATUS column: the most specific reason of the phase, the init containers and the containers."""
    status, spec = pod["status"], pod["spec"]
    reason = status.get("reason") or status.get("phase", "")
    init = {c["name"]: c for c in spec.get("initContainers") or []}
    for index, container in enumerate(status.get("initContainerStatuses") or []):
        state = container["state"]
        ended = state.get("terminated")
        sidecar = init.get(container["name"], {}).get("restartPolicy") == "Always"
        if (ended and ended["exitCode"] == 0) or (sidecar and container.get("started")):
            continue
        if ended:
            return "Init:" + (ended.get("reason") or f"ExitCode:{ended['exitCode']}")
        waits = state.get("waiting", {}).get("reason", "")
        return f"Init:{waits}" if waits and waits != "PodInitializing" else f"Init:{index}/{len(init)}"
    running = False
    for container in reversed(status.get("containerStatuses") or []):
        state = container["state"]
        if state.get("waiting", {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            reason = state["terminated"].get("reason") or f"ExitCode:{state['terminated']['exitCode']}"
        elif "running" in state and container["ready"]:
            running = True
    if reason == "Completed" and running:
        reason = "Running" if _ready(pod) else "NotReady"
    return "Terminating" if "deletionTimestamp" in pod["metadata"] and reason != "Unknown" else str(reason)


def _row_conditions(resource: Resource, obj: Object) -> dict[str, Any]:
    """The condition by which kubectl omits finished pods, for example with ``--watch-only``."""
    messages = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}
    phase = obj.get("status", {}).get("phase") if resource.name == "pods" else None
    if phase not in messages:
        return {}
    return {"conditions": [{"type": "Completed", "status": "True", "reason": phase, "message": messages[phase]}]}


def _ready(pod: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])


def _pod(pod: Object) -> list[Any]:
    status, spec = pod["status"], pod["spec"]
    statuses = status.get("containerStatuses") or []
    sidecars = {c["name"] for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"}
    sidecar_statuses = [s for s in status.get("initContainerStatuses") or [] if s["name"] in sidecars]
    ready = sum(
        bool(container["ready"] and "running" in container["state"]) for container in [*statuses, *sidecar_statuses]
    )
    restarts = sum(container["restartCount"] for container in [*statuses, *sidecar_statuses])
    last = [s["lastState"]["terminated"]["finishedAt"] for s in statuses if s.get("lastState", {}).get("terminated")]
    restarted = f"{restarts} ({age(max(last))} ago)" if restarts and last else str(restarts)
    return [
        pod["metadata"]["name"],
        f"{ready}/{len(spec['containers']) + len(sidecars)}",
        pod_status(pod),
        restarted,
        _age(pod),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        "<none>",
        "<none>",
    ]


def _node(node: Object) -> list[Any]:
    info = node["status"]["nodeInfo"]
    address = next((a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"), "<none>")
    wide = [address, "<none>", info["osImage"], info["kernelVersion"], info["containerRuntimeVersion"]]
    ready = next((c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"), "Unknown")
    state = "Ready" if ready == "True" else "NotReady"
    state += ",SchedulingDisabled" if node["spec"].get("unschedulable") else ""
    return [node["metadata"]["name"], state, "<none>", _age(node), info["kubeletVersion"], *wide]


def _event(event: Object) -> list[Any]:
    involved = event["involvedObject"]
    seen = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    return [
        age(seen),
        event["type"],
        event["reason"],
        f"{involved['kind'].lower()}/{involved['name']}",
        event["message"],
    ]


def _claim(claim: Object) -> list[Any]:
    spec, status = claim["spec"], claim["status"]
    short = {"ReadWriteOnce": "RWO", "ReadWriteMany": "RWX", "ReadOnlyMany": "ROX", "ReadWriteOncePod": "RWOP"}
    modes = ",".join(short.get(mode, mode) for mode in spec["accessModes"])
    size = status["capacity"].get("storage", "")
    name = claim["metadata"]["name"]
    return [name, status["phase"], spec["volumeName"], size, modes, spec["storageClassName"], "<unset>", _age(claim)]


def _job(job: Object) -> list[Any]:
    status = job["status"]
    end = next((c["type"] for c in status.get("conditions") or [] if c["type"] in ("Complete", "Failed")), "Running")
    began, ended = status.get("startTime"), status.get("completionTime")
    took = clock.parse(ended or clock.now()) - clock.parse(began) if began else 0
    count = f"{status.get('succeeded', 0)}/{job['spec']['completions']}"
    return [job["metadata"]["name"], end, count, f"{int(took)}s", _age(job)]


def _age(obj: Object) -> str:
    return age(obj["metadata"]["creationTimestamp"])


_DEFAULT: tuple[tuple[str, ...], Row] = (("Name", "Age"), lambda obj: [obj["metadata"]["name"], _age(obj)])

# Only `-o wide` shows columns that begin with +.
_KINDS: dict[str, tuple[tuple[str, ...], Row]] = {
    "pods": (
        ("Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"),
        _pod,
    ),
    "nodes": (
        (
            *("Name", "Status", "Roles", "Age", "Version", "+Internal-IP", "+External-IP", "+OS-Image"),
            *("+Kernel-Version", "+Container-Runtime"),
        ),
        _node,
    ),
    "events": (("Last Seen", "Type", "Reason", "Object", "Message"), _event),
    "persistentvolumeclaims": (
        ("Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age"),
        _claim,
    ),
    "namespaces": (("Name", "Status", "Age"), lambda o: [o["metadata"]["name"], o["status"]["phase"], _age(o)]),
    "jobs": (("Name", "Status", "Completions", "Duration", "Age"), _job),
    "secrets": (
        ("Name", "Type", "Data", "Age"),
        lambda o: [o["metadata"]["name"], o["type"], len(o.get("data") or {}), _age(o)],
    ),
    "configmaps": (
        ("Name", "Data", "Age"),
        lambda o: [o["metadata"]["name"], len(o.get("data") or {}) + len(o.get("binaryData") or {}), _age(o)],
    ),
}
