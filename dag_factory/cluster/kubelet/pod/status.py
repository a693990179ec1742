"""A pod's status as a kubelet reports it, computed from the states of its containers. Pure functions."""

from __future__ import annotations

from typing import Any

from ...objects import clock
from ...objects.pod_phase import FINISHED
from ...objects.store import Object
from .phase import compute_phase
from .slot import Slot


def build_status(
    pod: Object,
    slots: list[Slot],
    *,
    started_at: str,
    sandbox: bool,
    over: bool,
    ip: str,
    reason: str = "",
    message: str = "",
    disrupted: str = "",
) -> dict[str, Any]:
    """The status body.

    ``over``: all containers have ended for good. ``reason``: why the kubelet ended the pod, if it did.
    ``disrupted``: the reason of a DisruptionTarget condition, if there is one.
    """
    policy = pod["spec"].get("restartPolicy", "Always")
    if reason:
        current = "Failed" if over else pod["status"].get("phase", "Pending")
    else:
        current = compute_phase(slots, policy)
        if current in FINISHED and not over:
            current = pod["status"].get("phase", "Pending")
    ending = "Failed" if reason else compute_phase(slots, policy)
    status: dict[str, Any] = {
        "phase": current,
        "conditions": _conditions(pod, slots, sandbox and not over, ending),
    }
    if disrupted:
        status["conditions"].insert(0, _condition("DisruptionTarget", "True", disrupted, message, None))
    if reason and over:
        status |= {"message": message, "reason": reason}
    status |= {"hostIP": ip, "hostIPs": [{"ip": ip}]}
    if sandbox:
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    status["startTime"] = started_at
    init = [slot for slot in slots if slot.init]
    if init:
        status["initContainerStatuses"] = [_container(slot) for slot in init]
    status["containerStatuses"] = [_container(slot) for slot in sorted(slots, key=lambda s: s.name) if not slot.init]
    status["qosClass"] = pod["status"].get("qosClass", "BestEffort")
    return status


def _conditions(pod: Object, slots: list[Slot], up: bool, ending: str) -> list[dict[str, Any]]:
    done = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(ending, "")
    unready = [s.name for s in slots if not s.ready and (not s.init or s.sidecar)]
    incomplete = [
        s.name
        for s in slots
        if s.init and not (s.started if s.sidecar else s.exit_code == 0) and not (s.sidecar and s.last)
    ]
    if done:
        ready = ("False", done, "")
    elif unready:
        ready = ("False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    else:
        ready = ("True", "", "")
    if ending == "Succeeded":
        initialized = ("True", "PodCompleted", "")
    elif incomplete:
        text = f"containers with incomplete status: [{' '.join(incomplete)}]"
        initialized = ("False", "ContainersNotInitialized", text)
    else:
        initialized = ("True", "", "")
    conditions = {
        "PodReadyToStartContainers": ("True" if up else "False", "", ""),
        "Initialized": initialized,
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": ("True", "", ""),
    }
    before = {c["type"]: c for c in pod["status"].get("conditions") or []}
    return [_condition(kind, *value, before.get(kind)) for kind, value in conditions.items()]


def _condition(kind: str, status: str, reason: str, message: str, before: dict[str, Any] | None) -> dict[str, Any]:
    same = before is not None and before["status"] == status
    condition: dict[str, Any] = {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": before["lastTransitionTime"] if before and same else clock.now(),
    }
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _container(slot: Slot) -> dict[str, Any]:
    status: dict[str, Any] = {
        "name": slot.name,
        "state": slot.state,
        "lastState": slot.last,
        "ready": slot.ready,
        "restartCount": slot.restarts,
        "image": slot.image or slot.spec.get("image", ""),
        "imageID": slot.image_id,
    }
    if slot.container_id:
        status["containerID"] = slot.container_id
    status["started"] = slot.started
    resources = slot.spec.get("resources") or {}
    if slot.created:
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
        status["resources"] = resources
    mounts = [
        {
            "name": m["name"],
            "mountPath": m["mountPath"],
            **({"readOnly": True, "recursiveReadOnly": "Disabled"} if m.get("readOnly") else {}),
        }
        for m in slot.spec.get("volumeMounts") or []
    ]
    if mounts:
        status["volumeMounts"] = mounts
    return status
