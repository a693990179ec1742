"""Events of the scheduler and the kubelet. A repeated event increases the count of one object."""

from __future__ import annotations

import time
from typing import Any

from . import clock
from .store import Missing, Object, Store

_LIFETIME = 3600  # seconds, the API server's default
_MAX_EVENTS = 5000


class Recorder:
    """``node`` is the node that events name as their source."""

    def __init__(self, store: Store, node: str) -> None:
        self.store = store
        self.node = node
        self._repeats: dict[tuple[str, ...], tuple[str, str]] = {}

    def scheduler_event(self, pod: Object, kind: str, reason: str, message: str, action: str) -> None:
        """Record an event of the scheduler. It has the newer fields ``eventTime`` and ``action``, and no count."""
        self._create(
            pod,
            {
                "reason": reason,
                "message": message,
                "source": {},
                "firstTimestamp": None,
                "lastTimestamp": None,
                "type": kind,
                "eventTime": clock.now_micro(),
                "action": action,
                "reportingComponent": "default-scheduler",
                "reportingInstance": f"default-scheduler-{self.node}",
            },
        )

    def kubelet_event(self, pod: Object, kind: str, reason: str, message: str, field: str = "") -> None:
        """Record an event of the kubelet. ``field``: ``spec.containers{base}`` for one about the container ``base``."""
        key = (pod["metadata"]["uid"], field, kind, reason, message)
        known = self._repeats.get(key)
        if known:
            event = self.store.find("events", *known)
            if event:
                self.store.update("events", {**event, "count": event["count"] + 1, "lastTimestamp": clock.now()})
                return
        created = self._create(
            pod,
            {
                "reason": reason,
                "message": message,
                "source": {"component": "kubelet", "host": self.node},
                "firstTimestamp": clock.now(),
                "lastTimestamp": clock.now(),
                "count": 1,
                "type": kind,
                "eventTime": None,
                "reportingComponent": "kubelet",
                "reportingInstance": self.node,
            },
            field,
        )
        self._repeats[key] = (created["metadata"]["namespace"], created["metadata"]["name"])

    def _create(self, pod: Object, body: dict[str, Any], field: str = "") -> Object:
        meta = pod["metadata"]
        involved = {
            "kind": "Pod",
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": "v1",
            "resourceVersion": meta["resourceVersion"],
        }
        if field:
            involved["fieldPath"] = field
        name = f"{meta['name']}.{time.time_ns():x}"
        self._expire()
        return self.store.create(
            "events", {"metadata": {"name": name, "namespace": meta["namespace"]}, "involvedObject": involved, **body}
        )

    def _expire(self) -> None:
        """About once per hundred events, delete expired events and those above the limit."""
        if self.store.version % 100:
            return
        events = sorted(self.store.all("events"), key=lambda e: str(e["metadata"]["creationTimestamp"]))
        before = clock.at(time.time() - _LIFETIME)
        surplus = max(0, len(events) - _MAX_EVENTS)
        for index, event in enumerate(events):
            if index < surplus or event["metadata"]["creationTimestamp"] < before:
                try:
                    self.store.delete("events", event["metadata"]["namespace"], event["metadata"]["name"])
                except Missing:
                    continue
        if len(self._repeats) > _MAX_EVENTS:
            self._repeats.clear()
