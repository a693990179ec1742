"""``/dagf/…``: what a real cluster does not have. Its state for people, and trouble on demand."""

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

    def answer(self, method: str, what: str, body: Any) -> dict[str, Any]:
        """``what`` is the path after ``/dagf/``. Raises ApiError."""
        faults = self.kubelet.faults
        if (method, what) == ("GET", "status"):
            return {**self.describe(), "faults": faults.describe()}
        if (method, what) == ("POST", "evict"):
            self._evict(str(body.get("namespace", "default")), str(body.get("pod", "")))
        elif (method, what) == ("DELETE", "faults"):
            faults.clear()
        elif (method, what) == ("POST", "faults"):
            return {"struck": self._fault(body), "faults": faults.describe()}
        elif (method, what) != ("GET", "faults"):
            raise errors.no_such_path()
        return {"faults": faults.describe()}

    def failure(self) -> errors.ApiError | None:
        """The answer to a request that is to fail, if it is one."""
        if not self.kubelet.faults.api_fails():
            return None
        code, reason, message = random.choice(_FAILURES)
        return errors.ApiError(code, reason, message, {"retryAfterSeconds": 1} if code == 429 else {})

    def _fault(self, body: Any) -> int:
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
            raise errors.bad_request(f"no such fault: {error}") from error

    def _evict(self, namespace: str, name: str) -> None:
        pod = self.kubelet.store.find("pods", namespace, name)
        if pod is None:
            raise errors.not_found("pods", name)
        worker = self.kubelet.worker(pod)
        # What its worker still tidies up has ended all the same.
        if worker is None or is_finished(pod):
            raise errors.bad_request(f'pod "{name}" does not run: it is {pod["status"]["phase"]}')
        evict(worker)
