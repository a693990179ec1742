"""The loss of the node with all its pods, as with a spot instance, and its replacement.

A pipeline sees the events in the order of a real cluster. First the node is not ready and the status of its pods does
not change. Then the pods are marked failed, with a DisruptionTarget condition, and deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from ..objects import clock
from ..objects.pod_phase import is_finished
from ..objects.store import Missing, Object, Store
from .kubelet import Kubelet

_UNKNOWN = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
_COLLECTED = "PodGC: node no longer exists"


async def lose_node(kubelet: Kubelet, seconds: float) -> None:
    """Lose the node. Its pods are deleted ``seconds`` later, and a node is there again."""
    store = kubelet.store
    node = store.all("nodes")[0]
    before = node["status"]["conditions"]
    lost = [{**condition, **_UNKNOWN, "lastTransitionTime": clock.now()} for condition in before]
    store.update("nodes", {**node, "status": {**node["status"], "conditions": lost}})
    pods = [pod for pod in store.all("pods") if pod["spec"].get("nodeName")]
    workers = list(kubelet.workers.values())
    for worker in workers:
        worker.abandon()
    for pod in pods:
        if not is_finished(pod):
            store.update("pods", _mark_unready(pod))
    await asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
    await asyncio.sleep(seconds)
    for pod in pods:
        with contextlib.suppress(Missing):
            _collect(store, pod)
    back = [{**condition, "lastHeartbeatTime": clock.now(), "lastTransitionTime": clock.now()} for condition in before]
    node = store.get("nodes", "", node["metadata"]["name"])
    store.update("nodes", {**node, "status": {**node["status"], "conditions": back}})


def _collect(store: Store, pod: Object) -> None:
    """Fail the pod if it has not finished, and delete it, as the garbage collector of pods does."""
    key = pod["metadata"]["namespace"], pod["metadata"]["name"]
    current = store.get("pods", *key)
    if current["metadata"]["uid"] != pod["metadata"]["uid"]:
        return
    if not is_finished(current):
        condition = _condition("DisruptionTarget", "True", "DeletionByPodGC", _COLLECTED)
        conditions = [condition, *(current["status"].get("conditions") or [])]
        failed = {**current["status"], "phase": "Failed", "conditions": conditions}
        store.update("pods", {**current, "status": failed})
    store.delete("pods", *key)


def _mark_unready(pod: Object) -> Object:
    """The pod as the node controller marks it: not ready, everything else unchanged."""
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
