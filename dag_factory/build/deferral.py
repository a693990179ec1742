"""A deferrable job hands over its output, also where its pod has ended before it could defer.

That is so where a worker was lost: the next try finds the pod of the one before. The operator (10.25) then sees that
there is nothing to wait for, reads the output, and drops it: ``execute`` does not return what it is given.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import ExecutionMode, KubernetesPodOperatorCallback


class Deferral(KubernetesPodOperatorCallback):
    """Lets the operator defer in any case: it comes back at once, on the way that keeps the output."""

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text; Python's own would name a place in memory.
        return "Deferral()"

    def on_pod_creation(self, *, mode: str, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Take from the operator what it knows of its pod's state; the trigger asks the cluster."""
        if mode == ExecutionMode.SYNC and operator.deferrable and operator.pod is not None:
            operator.pod.status = None
