"""``metrics.k8s.io``: the CPU and memory that pods and the node use, for ``kubectl top``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kubelet.kubelet import Kubelet
from ..kubelet.pod_worker import PodWorker
from ..objects import clock
from ..objects.store import Object
from ..resources import errors
from ..resources.kinds import resource_named
from ..resources.query import make_matcher

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
_MIN_INTERVAL = 1.0  # seconds between two samples from which a rate is computed
_MAX_SAMPLES = 5000
_PATH = f"apis/{GROUP}/{VERSION}"


@dataclass
class _Sample:
    """The seconds of CPU that a container had used at ``at``, and the rate in cores at that time."""

    at: float
    seconds: float
    rate: float


class Metrics:
    """Rates are computed over the time since the previous request, unless that is too short."""

    def __init__(self, kubelet: Kubelet) -> None:
        self.kubelet = kubelet
        self._samples: dict[tuple[str, str], _Sample] = {}

    def answer(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """The body for a path of this API group; None for any other path. Raises ApiError."""
        parts = path.split("/")
        if not path.startswith(f"{_PATH}/"):
            return None
        rest = parts[3:]
        if rest == ["nodes"]:
            return _list("NodeMetricsList", [self._node(node) for node in self.kubelet.store.all("nodes")])
        if rest[0] == "nodes" and len(rest) == 2:
            node = self.kubelet.store.find("nodes", "", rest[1])
            if node is None:
                raise errors.not_found("nodes", rest[1], GROUP)
            return self._node(node)
        if rest == ["pods"] or (len(rest) == 3 and rest[0] == "namespaces" and rest[2] == "pods"):
            matches = make_matcher(resource_named("pods"), query)
            pods = self.kubelet.store.all("pods", None if rest == ["pods"] else rest[1])
            return _list("PodMetricsList", [m for m in (self._pod(pod) for pod in pods if matches(pod)) if m])
        if len(rest) == 4 and rest[0] == "namespaces" and rest[2] == "pods":
            pod = self.kubelet.store.find("pods", rest[1], rest[3])
            found = self._pod(pod) if pod else None
            if found is None:
                raise errors.not_found("pods", f"{rest[1]}/{rest[3]}", GROUP)
            return found
        raise errors.no_such_path()

    def _pod(self, pod: Object) -> dict[str, Any] | None:
        worker = self.kubelet.worker(pod)
        if worker is None:
            return None
        containers = [{"name": name, "usage": _usage(*used)} for name, used in self._used(worker)]
        meta = pod["metadata"]
        own = {key: meta[key] for key in ("name", "namespace", "creationTimestamp", "labels") if key in meta}
        return _metrics("PodMetrics", own, {"containers": containers}) if containers else None

    def _node(self, node: Object) -> dict[str, Any]:
        cores, used = 0.0, 0
        for worker in self.kubelet.workers.values():
            for _, usage in self._used(worker):
                cores, used = cores + usage[0], used + usage[1]
        meta = {key: node["metadata"][key] for key in ("name", "creationTimestamp", "labels")}
        return _metrics("NodeMetrics", meta, {"usage": _usage(cores, used)})

    def _used(self, worker: PodWorker) -> list[tuple[str, tuple[float, int]]]:
        """The cores and bytes that each running container uses, by name."""
        found = []
        for slot in worker.slots:
            running = worker.running(slot.name)
            if running and slot.running:
                seconds, used = running.usage()
                began = clock.parse(slot.state["running"]["startedAt"])
                found.append((slot.name, (self._cores((worker.uid, slot.name), seconds, began), used)))
        return found

    def _cores(self, key: tuple[str, str], seconds: float, began: float) -> float:
        now, before = time.time(), self._samples.get(key)
        if len(self._samples) > _MAX_SAMPLES:
            self._samples.clear()
        if before is None or seconds < before.seconds or before.at < began:
            before = self._samples[key] = _Sample(now, seconds, seconds / max(_MIN_INTERVAL, now - began))
        elif now - before.at >= _MIN_INTERVAL:
            before = self._samples[key] = _Sample(now, seconds, (seconds - before.seconds) / (now - before.at))
        return before.rate


def _usage(cores: float, used: int) -> dict[str, str]:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{used // 1024}Ki"}


def _metrics(kind: str, meta: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    common = {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": meta}
    return {**common, "timestamp": clock.now(), "window": "10s", **more}


def _list(kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}
