"""The scheduler: binds pods to the one node when they fit, by priority and then in order of arrival.

It does not preempt: a pod of higher priority waits like any other, at the head of the queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ..objects import clock
from ..objects.events import Recorder
from ..objects.pod_phase import is_finished
from ..objects.store import Change, Object, Store
from ..resources.defaults import complete_claim
from . import placement

log = logging.getLogger(__name__)


class Scheduler:
    """``on_bind`` is called with each pod that is bound to the node."""

    def __init__(
        self,
        store: Store,
        recorder: Recorder,
        node: str,
        on_bind: Callable[[Object], None],
        *,
        make_claims: bool = False,
    ) -> None:
        self.store = store
        self.recorder = recorder
        self.node = node
        self._on_bind = on_bind
        self._make_claims = make_claims
        self._wake = asyncio.Event()
        self._wake.set()  # pods of an earlier run may wait
        self._reported: dict[str, str] = {}  # the last message of each waiting pod, by uid
        self._arrived: dict[str, int] = {}
        store.add_listener(self._on_change)

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                self._schedule()
            except Exception:
                log.exception("the scheduler failed on a pod; it continues at the next change")

    def _schedule(self) -> None:
        """Bind every pod that fits now. Report why each other pod does not fit."""
        node = self.store.get("nodes", "", self.node)
        pods = self.store.all("pods")
        used = [pod for pod in pods if pod["spec"].get("nodeName") and not is_finished(pod)]
        for pod in used:
            if pod["spec"]["nodeName"] == self.node and not pod["status"].get("conditions"):
                self._start(pod)  # it was created for this node
        waiting = [
            pod
            for pod in pods
            if not pod["spec"].get("nodeName") and not is_finished(pod) and "deletionTimestamp" not in pod["metadata"]
        ]
        for pod in sorted(waiting, key=self._order):
            reason = self._check_claims(pod) or placement.why_not(pod, node, used)
            if reason:
                self._report_unschedulable(pod, reason)
            else:
                used.append(self._bind(pod))

    def _on_change(self, change: Change) -> None:
        if change.resource == "pods":
            if change.type == "ADDED":
                self._arrived[change.object["metadata"]["uid"]] = change.version
            elif change.type == "DELETED":
                self._reported.pop(change.object["metadata"]["uid"], None)
                self._arrived.pop(change.object["metadata"]["uid"], None)
            elif change.object["spec"].get("nodeName") and not is_finished(change.object):
                return
        if change.resource in ("pods", "persistentvolumeclaims", "nodes"):
            self._wake.set()

    def _order(self, pod: Object) -> tuple[int, int]:
        return -int(pod["spec"].get("priority") or 0), self._arrived.get(pod["metadata"]["uid"], 0)

    def _start(self, pod: Object) -> Object:
        """Hand a pod to the node."""
        status = {**pod["status"], "conditions": [_condition("True")]}
        started = self.store.update("pods", {**pod, "spec": {**pod["spec"], "nodeName": self.node}, "status": status})
        self._on_bind(started)
        return started

    def _bind(self, pod: Object) -> Object:
        meta = pod["metadata"]
        bound = self._start(pod)
        message = f"Successfully assigned {meta['namespace']}/{meta['name']} to {self.node}"
        self.recorder.scheduler_event(bound, "Normal", "Scheduled", message, "Binding")
        self._reported.pop(meta["uid"], None)
        return bound

    def _report_unschedulable(self, pod: Object, reason: str) -> None:
        if self._reported.get(pod["metadata"]["uid"]) == reason:
            return
        self._reported[pod["metadata"]["uid"]] = reason
        conditions = [{**_condition("False"), "reason": "Unschedulable", "message": reason}]
        changed = self.store.update("pods", {**pod, "status": {**pod["status"], "conditions": conditions}})
        self.recorder.scheduler_event(changed, "Warning", "FailedScheduling", reason, "Scheduling")

    def _check_claims(self, pod: Object) -> str:
        """Create the claims that the pod uses, if that is on. Returns a message if one does not exist."""
        namespace = pod["metadata"]["namespace"]
        volumes = pod["spec"].get("volumes") or []
        for claim in [v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v]:
            if self.store.find("persistentvolumeclaims", namespace, claim):
                continue
            if not self._make_claims:
                return placement.missing_claim(claim)
            log.info("Creating the claim %s/%s, which pod %s uses.", namespace, claim, pod["metadata"]["name"])
            created = complete_claim({"metadata": {"name": claim, "namespace": namespace}})
            self.store.create("persistentvolumeclaims", created)
        return ""


def _condition(status: str) -> dict[str, Any]:
    return {"type": "PodScheduled", "status": status, "lastProbeTime": None, "lastTransitionTime": clock.now()}
