"""``/dagf/…``, which a real cluster does not have: the cluster's status, and simulated faults."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from ..kubelet.faults import Fault, evict
from ..kubelet.kubelet import Kubelet
from ..kubelet.node_loss import lose_node
from ..objects.pod_phase import is_finished
from ..resources import errors

_FAILURES = (
    (500, "InternalError", "etcdserver: request timed out"),
    (503, "ServiceUnavailable", "the server is currently unable to handle the request"),
    (429, "TooManyRequests", "the server has received too many requests and has asked us to try again later"),
)


class Admin:
    def __init__(self, kubelet: Kubelet, describe: Callable[[], dict[str, Any]]) -> None:
        self.kubelet = kubelet
        self.describe = describe
        self._losing: asyncio.Task[None] | None = None

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """``path`` is the part after ``/dagf/``. Raises ApiError."""
        if not isinstance(body, dict):
            raise errors.bad_request("the body must be a JSON object")
        faults = self.kubelet.faults
        if (method, path) == ("GET", "status"):
            return {**self.describe(), "faults": faults.describe()}
        if (method, path) == ("POST", "evict"):
            self._evict(str(body.get("namespace", "default")), str(body.get("pod", "")))
        elif (method, path) == ("DELETE", "faults"):
            faults.clear()
        elif (method, path) == ("POST", "faults"):
            return {"struck": self._add_fault(body), "faults": faults.describe()}
        elif (method, path) != ("GET", "faults"):
            raise errors.no_such_path()
        return {"faults": faults.describe()}

    def simulated_failure(self) -> errors.ApiError | None:
        """The error for the next request, if it is one of those that fail."""
        if not self.kubelet.faults.api_fails():
            return None
        code, reason, message = random.choice(_FAILURES)
        return errors.ApiError(code, reason, message, {"retryAfterSeconds": 1} if code == 429 else {})

    def _add_fault(self, body: Any) -> int:
        try:
            if "api_errors" in body:
                self.kubelet.faults.api_errors = min(1.0, max(0.0, float(body["api_errors"])))
                return 0
            if "node_lost" in body:
                struck = len(self.kubelet.workers)
                self._losing = asyncio.ensure_future(lose_node(self.kubelet, float(body["node_lost"])))
                return struck
            return self.kubelet.faults.add(Fault(**body))
        except (ValueError, TypeError) as error:
            raise errors.bad_request(f"not a valid fault: {error}") from error

    def _evict(self, namespace: str, name: str) -> None:
        pod = self.kubelet.store.find("pods", namespace, name)
        if pod is None:
            raise errors.not_found("pods", name)
        worker = self.kubelet.worker(pod)
        # The worker of a finished pod may still clean up.
        if worker is None or is_finished(pod):
            raise errors.bad_request(f'pod "{name}" is not running; its phase is {pod["status"]["phase"]}')
        evict(worker)
