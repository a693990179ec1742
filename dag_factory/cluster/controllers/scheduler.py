"""The scheduler: binds pods to the one node when they fit, first come first served within a priority.

It does not preempt: a pod of higher priority waits like any other, at the head of the queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ..objects import clock
from ..objects.events import Recorder
from ..objects.pod_phase import is_finished
from ..objects.quantity import parse
from ..objects.store import Change, Object, Store
from ..resources import defaults as objects

log = logging.getLogger(__name__)

_NO_HELP = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."


class Scheduler:
    """``bound`` is called with each pod that got the node."""

    def __init__(
        self, store: Store, recorder: Recorder, node: str, bound: Callable[[Object], None], *, make_claims: bool = False
    ) -> None:
        self.store = store
        self.recorder = recorder
        self.node = node
        self.bound = bound
        self._make_claims = make_claims
        self._again = asyncio.Event()
        self._again.set()  # pods of an earlier run may wait
        self._told: dict[str, str] = {}
        self._arrived: dict[str, int] = {}
        store.listen(self._changed)

    async def run(self) -> None:
        while True:
            await self._again.wait()
            self._again.clear()
            try:
                self.once()
            except Exception:
                log.exception("the scheduler failed on a pod; it goes on with the next change")

    def once(self) -> None:
        """Bind every pod that fits now and say of every other why not."""
        node = self.store.get("nodes", "", self.node)
        pods = self.store.all("pods")
        used = [pod for pod in pods if pod["spec"].get("nodeName") and not is_finished(pod)]
        waiting = [
            pod
            for pod in pods
            if not pod["spec"].get("nodeName") and not is_finished(pod) and "deletionTimestamp" not in pod["metadata"]
        ]
        for pod in sorted(waiting, key=self._order):
            why = self._why_not(pod, node, used)
            if why:
                self._unschedulable(pod, why)
            else:
                used.append(self._bind(pod))

    def _changed(self, change: Change) -> None:
        if change.resource == "pods":
            if change.type == "ADDED":
                self._arrived[change.object["metadata"]["uid"]] = change.version
            elif change.type == "DELETED":
                self._told.pop(change.object["metadata"]["uid"], None)
                self._arrived.pop(change.object["metadata"]["uid"], None)
            elif change.type == "MODIFIED" and change.object["spec"].get("nodeName") and not is_finished(change.object):
                return
        if change.resource in ("pods", "persistentvolumeclaims", "nodes"):
            self._again.set()

    def _order(self, pod: Object) -> tuple[int, int]:
        return -int(pod["spec"].get("priority") or 0), self._arrived.get(pod["metadata"]["uid"], 0)

    def _bind(self, pod: Object) -> Object:
        status = {**pod["status"], "conditions": [_condition("True")]}
        bound = self.store.update("pods", {**pod, "spec": {**pod["spec"], "nodeName": self.node}, "status": status})
        meta = pod["metadata"]
        message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {self.node}"
        self.recorder.scheduler(bound, "Normal", "Scheduled", message, "Binding")
        self._told.pop(meta["uid"], None)
        self.bound(bound)
        return bound

    def _unschedulable(self, pod: Object, why: str) -> None:
        if self._told.get(pod["metadata"]["uid"]) == why:
            return
        self._told[pod["metadata"]["uid"]] = why
        conditions = [{**_condition("False"), "reason": "Unschedulable", "message": why}]
        changed = self.store.update("pods", {**pod, "status": {**pod["status"], "conditions": conditions}})
        self.recorder.scheduler(changed, "Warning", "FailedScheduling", why, "Scheduling")

    def _why_not(self, pod: Object, node: Object, used: list[Object]) -> str:
        volumes = pod["spec"].get("volumes") or []
        claims = [v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v]
        for claim in claims:
            namespace = pod["metadata"]["namespace"]
            if self._make_claims and not self.store.find("persistentvolumeclaims", namespace, claim):
                log.info("Making the claim %s/%s that pod %s names.", namespace, claim, pod["metadata"]["name"])
                made = objects.claim({"metadata": {"name": claim, "namespace": namespace}})
                self.store.create("persistentvolumeclaims", made)
            if not self.store.find("persistentvolumeclaims", namespace, claim):
                return f'0/1 nodes are available: persistentvolumeclaim "{claim}" not found. {_NO_HELP}'
        trouble = _not_now(node)
        if trouble:
            return f"0/1 nodes are available: 1 node(s) {trouble}. {_NO_HELP}"
        if not _selected(pod["spec"], node["metadata"].get("labels", {})):
            return f"0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {_NO_HELP}"
        short = [f"1 {reason}" for reason in _too_little(pod, node, used)]
        if not short:
            return ""
        return (
            f"0/1 nodes are available: {', '.join(short)}. preemption: 0/1 nodes are available: 1 No preemption "
            "victims found for incoming pod."
        )


def requests(spec: dict[str, Any]) -> dict[str, Decimal]:
    """What a pod asks for: its containers and sidecars together, or its largest init container if that is more."""
    total: dict[str, Decimal] = {}
    sidecars: dict[str, Decimal] = {}
    largest: dict[str, Decimal] = {}
    for container in spec.get("containers", []):
        _add(total, container)
    for container in spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            _add(total, container)
            _add(sidecars, container)
        else:
            alone = dict(sidecars)
            _add(alone, container)
            largest = {key: max(largest.get(key, Decimal(0)), value) for key, value in {**largest, **alone}.items()}
    result = {key: max(total.get(key, Decimal(0)), largest.get(key, Decimal(0))) for key in {**total, **largest}}
    for key, value in (spec.get("overhead") or {}).items():
        result[key] = result.get(key, Decimal(0)) + parse(value)
    return result


def _add(total: dict[str, Decimal], container: dict[str, Any]) -> None:
    resources = container.get("resources") or {}
    for key, value in {**(resources.get("limits") or {}), **(resources.get("requests") or {})}.items():
        total[key] = total.get(key, Decimal(0)) + parse(value)


def _too_little(pod: Object, node: Object, used: list[Object]) -> list[str]:
    room = {key: parse(value) for key, value in node["status"]["allocatable"].items()}
    reasons = []
    if len(used) + 1 > room["pods"]:
        reasons.append("Too many pods")
    taken: dict[str, Decimal] = {}
    for other in used:
        for key, value in requests(other["spec"]).items():
            taken[key] = taken.get(key, Decimal(0)) + value
    for key, value in sorted(requests(pod["spec"]).items()):
        if value > 0 and taken.get(key, Decimal(0)) + value > room.get(key, Decimal(0)):
            reasons.append(f"Insufficient {key}")
    return reasons


def _not_now(node: Object) -> str:
    """Why nothing is bound to the node now, in the scheduler's words; empty if it takes pods."""
    if node["spec"].get("unschedulable"):
        return "were unschedulable"
    ready = next((c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"), "Unknown")
    return "" if ready == "True" else "had untolerated taint {node.kubernetes.io/unreachable: }"


def _selected(spec: dict[str, Any], labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    terms = affinity.get("nodeSelectorTerms") or []
    return not terms or any(
        all(_expression(e, labels) for e in term.get("matchExpressions") or []) and not term.get("matchFields")
        for term in terms
    )


def _expression(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
    have = labels.get(key)
    if operator == "In":
        return have in values
    if operator == "NotIn":
        return have not in values
    if operator == "Exists":
        return have is not None
    if operator == "DoesNotExist":
        return have is None
    if have is None or not have.lstrip("-").isdigit() or not values:
        return False
    return int(have) > int(values[0]) if operator == "Gt" else int(have) < int(values[0])


def _condition(status: str) -> dict[str, Any]:
    return {"type": "PodScheduled", "status": status, "lastProbeTime": None, "lastTransitionTime": clock.now()}
