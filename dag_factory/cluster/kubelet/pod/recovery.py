"""Pods of a server that is gone: what is to become of each, in a kubelet's words. Pure functions."""

from __future__ import annotations

from typing import Any

from ...objects import clock
from ...objects.store import Object
from .slot import Slot

_LOST = {
    "exitCode": 137,
    "reason": "ContainerStatusUnknown",
    "message": "The container could not be located when the pod was terminated",
}


def mark_started(pod: Object, names: set[str]) -> Object:
    """The pod with the containers of ``names``, which have logs, running, if the server died before it said so."""

    def one(container: dict[str, Any]) -> dict[str, Any]:
        reason = container["state"].get("waiting", {}).get("reason")
        if container["name"] in names and reason in ("ContainerCreating", "PodInitializing"):
            return {**container, "state": {"running": {"startedAt": clock.now()}}}
        return container

    status = dict(pod["status"])
    for field in ("containerStatuses", "initContainerStatuses"):
        if field in status:
            status[field] = [one(container) for container in status[field]]
    return {**pod, "status": status}


def runs_again(pod: Object) -> bool:
    """Whether a pod whose processes are gone is to be started: nothing of it had run, or its policy restarts it."""
    started = any("waiting" not in one["state"] or one["lastState"] for one in _containers(pod["status"]))
    return not started or pod["spec"].get("restartPolicy", "Always") != "Never"


def mark_failed(pod: Object) -> Object:
    """The pod with every container that ran ended, since nobody knows how it did."""
    status = pod["status"]
    changed: dict[str, Any] = {**status, "phase": "Failed"}
    for field in ("containerStatuses", "initContainerStatuses"):
        if field in status:
            changed[field] = [mark_lost(one) for one in status[field]]
    changed["conditions"] = [_condition(one) for one in status.get("conditions") or []]
    return {**pod, "status": changed}


def mark_lost(container: dict[str, Any]) -> dict[str, Any]:
    """A container's status once its process can't be found."""
    running = container["state"].get("running")
    if running is None:
        return container
    ended = {**_LOST, "startedAt": running["startedAt"], "finishedAt": clock.now()}
    ended["containerID"] = container.get("containerID", "")
    return {**container, "state": {"terminated": ended}, "ready": False, "started": False}


def _condition(condition: dict[str, Any]) -> dict[str, Any]:
    if condition["type"] in ("Ready", "ContainersReady") and condition["status"] == "True":
        return {**condition, "status": "False", "reason": "PodFailed", "lastTransitionTime": clock.now()}
    if condition["type"] == "PodReadyToStartContainers":
        return {**condition, "status": "False", "lastTransitionTime": clock.now()}
    return condition


def _containers(status: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]


def resume(slots: list[Slot], status: dict[str, Any]) -> None:
    """Slots of a pod that an earlier server ran: what they had been through counts on."""
    before = {one["name"]: one for one in _containers(status)}
    for slot in slots:
        known = before.get(slot.name)
        if known is None or not (known["restartCount"] or "waiting" not in known["state"]):
            continue
        ended = mark_lost(known)["state"]
        slot.last = ended if "terminated" in ended else known["lastState"]
        slot.restarts = known["restartCount"] + ("waiting" not in known["state"])
