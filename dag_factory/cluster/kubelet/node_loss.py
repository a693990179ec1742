"""The node goes away with all its pods, as a spot instance does, and another comes.

What a pipeline sees is a real cluster's order of events: the node is not ready and nothing is said of its pods any
more; then they are marked failed, with a DisruptionTarget condition, and deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from ..objects import clock
from ..objects.pod_phase import is_finished
from ..objects.store import Missing, Object

if TYPE_CHECKING:
    from .kubelet import Kubelet

_UNKNOWN = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
_COLLECTED = "PodGC: node no longer exists"


async def lose(kubelet: Kubelet, seconds: float) -> None:
    """``seconds`` pass between the loss and the end of the pods."""
    node = kubelet.store.all("nodes")[0]
    before = node["status"]["conditions"]
    lost = [{**condition, **_UNKNOWN, "lastTransitionTime": clock.now()} for condition in before]
    kubelet.store.update("nodes", {**node, "status": {**node["status"], "conditions": lost}})
    gone = [pod for pod in kubelet.store.all("pods") if pod["spec"].get("nodeName")]
    workers = list(kubelet.workers.values())
    for worker in workers:
        worker.abandon()
    for pod in gone:
        if not is_finished(pod):
            kubelet.store.update("pods", _unready(pod))
    await asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
    await asyncio.sleep(seconds)
    for pod in gone:
        with contextlib.suppress(Missing):
            _collect(kubelet, pod)
    back = [{**condition, "lastHeartbeatTime": clock.now(), "lastTransitionTime": clock.now()} for condition in before]
    node = kubelet.store.get("nodes", "", node["metadata"]["name"])
    kubelet.store.update("nodes", {**node, "status": {**node["status"], "conditions": back}})


def _collect(kubelet: Kubelet, pod: Object) -> None:
    key = pod["metadata"]["namespace"], pod["metadata"]["name"]
    now = kubelet.store.get("pods", *key)
    if now["metadata"]["uid"] != pod["metadata"]["uid"]:
        return
    if not is_finished(now):
        condition = _condition("DisruptionTarget", "True", "DeletionByPodGC", _COLLECTED)
        conditions = [condition, *(now["status"].get("conditions") or [])]
        kubelet.store.update("pods", {**now, "status": {**now["status"], "phase": "Failed", "conditions": conditions}})
    kubelet.store.delete("pods", *key)


def _unready(pod: Object) -> Object:
    """As the node's controller marks it: not ready, and all else as it was last heard."""
    conditions = [
        {**c, "status": "False", "lastTransitionTime": clock.now()} if c["type"] == "Ready" else c
        for c in pod["status"].get("conditions") or []
    ]
    return {**pod, "status": {**pod["status"], "conditions": conditions}}


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": clock.now(),
        "reason": reason,
        "message": message,
    }
