"""The pods of a server that was killed: which run again, and the status of those that failed. Pure functions."""

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
    """The pod, with the containers ``names`` marked as running: they have logs, so they had started."""

    def mark(container: dict[str, Any]) -> dict[str, Any]:
        reason = container["state"].get("waiting", {}).get("reason")
        if container["name"] in names and reason in ("ContainerCreating", "PodInitializing"):
            return {**container, "state": {"running": {"startedAt": clock.now()}}}
        return container

    status = dict(pod["status"])
    for field in ("containerStatuses", "initContainerStatuses"):
        if field in status:
            status[field] = [mark(container) for container in status[field]]
    return {**pod, "status": status}


def runs_again(pod: Object) -> bool:
    """Whether a pod whose processes are gone runs again: no container had started, or the restart policy allows it."""
    started = any(
        "waiting" not in container["state"] or container["lastState"] for container in _containers(pod["status"])
    )
    return not started or pod["spec"].get("restartPolicy", "Always") != "Never"


def mark_failed(pod: Object) -> Object:
    """The failed pod. Every container that ran has ended in an unknown way."""
    status = pod["status"]
    changed: dict[str, Any] = {**status, "phase": "Failed"}
    for field in ("containerStatuses", "initContainerStatuses"):
        if field in status:
            changed[field] = [mark_lost(container) for container in status[field]]
    changed["conditions"] = [_condition(condition) for condition in status.get("conditions") or []]
    return {**pod, "status": changed}


def mark_lost(container: dict[str, Any]) -> dict[str, Any]:
    """The status of a container whose process can't be found."""
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
    """Continue the restart counts and last states of a pod that an earlier server ran."""
    before = {container["name"]: container for container in _containers(status)}
    for slot in slots:
        known = before.get(slot.name)
        if known is None or not (known["restartCount"] or "waiting" not in known["state"]):
            continue
        ended = mark_lost(known)["state"]
        slot.last = ended if "terminated" in ended else known["lastState"]
        slot.restarts = known["restartCount"] + ("waiting" not in known["state"])
