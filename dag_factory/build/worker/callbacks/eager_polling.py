"""Looks at a pod soon after it was made and soon after its log has ended.

There the operator (10.25) sleeps: for its whole start-up interval, however fast the pod is; and for two seconds, fixed,
where the container has ended and the pod's status does not say so yet, as is usual. A job of one second took four.
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
"""Seconds before each look: at most so many requests more, at the start of a job and at its end."""


class EagerPolling(KubernetesPodOperatorCallback):
    """Waits where the operator is about to sleep. What goes wrong in it is the operator's to find."""

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text; Python's own would name a place in memory.
        return "Promptness()"

    def on_pod_creation(self, *, pod: Any, client: Any, mode: str, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Until the pod has started, but no longer than the operator would sleep."""
        if mode == ExecutionMode.SYNC:
            _wait(
                client, pod, lambda seen: seen.status.phase != PodPhase.PENDING, operator.startup_check_interval_seconds
            )

    def on_pod_completion(self, *, pod: Any, client: Any, mode: str, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Until the pod's status says what its log has said, in the words that the operator waits for."""
        if mode == ExecutionMode.SYNC:
            _wait(client, pod, lambda seen: _is_over(seen, operator))


def _is_over(pod: Any, operator: Any) -> bool:
    """The container's end alone will do only where another container outlives it."""
    if pod.status.phase in PodPhase.terminal_states:
        return True
    outlived = operator.do_xcom_push or any(one.name == operator.ISTIO_CONTAINER_NAME for one in pod.spec.containers)
    return bool(outlived and container_is_completed(pod, operator.base_container_name))


def _wait(client: Any, pod: Any, met: Callable[[Any], bool], most: float = math.inf) -> None:
    for pause in DELAYS if pod is not None else ():
        most -= pause
        if most < 0:
            return
        time.sleep(pause)
        try:
            if met(client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)):
                return
        except (ApiException, urllib3.exceptions.HTTPError):
            return
