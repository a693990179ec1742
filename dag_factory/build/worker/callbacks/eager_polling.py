"""Poll a pod soon after it was created and soon after its log ended.

The operator (provider 10.25) sleeps at both points: for its whole start-up interval even if the pod starts quickly, and
for a fixed two seconds if the container has ended but the status of the pod does not show it yet, which is usual. A job
of one second took four seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import urllib3
from airflow.providers.cncf.kubernetes.callbacks import ExecutionMode, KubernetesPodOperatorCallback
from airflow.providers.cncf.kubernetes.utils.container import container_is_completed
from airflow.providers.cncf.kubernetes.utils.pod_manager import PodPhase
from kubernetes.client.exceptions import ApiException

DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before each request. Their number is the most extra requests at the start of a job, and again at its end."""


class EagerPolling(KubernetesPodOperatorCallback):
    """Polls when the operator is about to sleep. It ignores errors: the operator finds them itself."""

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. Python's default text contains a memory address.
        return "EagerPolling()"

    def on_pod_creation(self, *, pod: Any, client: Any, mode: str, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Poll until the pod has started, but no longer than the operator would sleep."""
        if mode == ExecutionMode.SYNC:
            _poll(
                client, pod, lambda now: now.status.phase != PodPhase.PENDING, operator.startup_check_interval_seconds
            )

    def on_pod_completion(self, *, pod: Any, client: Any, mode: str, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Poll until the status of the pod shows the end that the operator waits for."""
        if mode == ExecutionMode.SYNC:
            _poll(client, pod, lambda now: _is_over(now, operator))


def _is_over(pod: Any, operator: Any) -> bool:
    """Return whether the operator sees an end: that of the pod, or of the container if a sidecar outlives it."""
    if pod.status.phase in PodPhase.terminal_states:
        return True
    has_sidecar = operator.do_xcom_push or any(one.name == operator.ISTIO_CONTAINER_NAME for one in pod.spec.containers)
    return bool(has_sidecar and container_is_completed(pod, operator.base_container_name))


def _poll(client: Any, pod: Any, is_done: Callable[[Any], bool], seconds: float = math.inf) -> None:
    for delay in DELAYS if pod is not None else ():
        seconds -= delay
        if seconds < 0:
            return
        time.sleep(delay)
        try:
            if is_done(client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)):
                return
        except (ApiException, urllib3.exceptions.HTTPError):
            return
