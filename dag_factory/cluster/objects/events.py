"""Events as the scheduler and the kubelet record them, repeats counted on one object."""

from __future__ import annotations

import time
from typing import Any

from . import clock
from .store import Missing, Object, Store

_KEPT_FOR = 3600  # seconds, the API server's default
_MOST = 5000


class Recorder:
    """``node`` is the name that events come from."""

    def __init__(self, store: Store, node: str) -> None:
        self.store = store
        self.node = node
        self._repeats: dict[tuple[str, ...], tuple[str, str]] = {}

    def scheduler(self, pod: Object, kind: str, reason: str, message: str, action: str) -> None:
        """An event of the scheduler, which uses the newer fields: eventTime, action, no count."""
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

    def kubelet(self, pod: Object, kind: str, reason: str, message: str, field: str = "") -> None:
        """An event of the kubelet. ``field`` is ``spec.containers{base}`` for one about a container."""
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
        """Every hundredth event or so, drop what is old and what is too much."""
        if self.store.version % 100:
            return
        events = sorted(self.store.all("events"), key=lambda e: str(e["metadata"]["creationTimestamp"]))
        before = clock.at(time.time() - _KEPT_FOR)
        surplus = max(0, len(events) - _MOST)
        for index, event in enumerate(events):
            if index < surplus or event["metadata"]["creationTimestamp"] < before:
                try:
                    self.store.delete("events", event["metadata"]["namespace"], event["metadata"]["name"])
                except Missing:
                    continue
        if len(self._repeats) > _MOST:
            self._repeats.clear()
