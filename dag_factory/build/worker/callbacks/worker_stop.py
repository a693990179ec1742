"""A worker that was told to end creates no pod, and waits for none."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.sdk.exceptions import AirflowException


class WorkerStopped(AirflowException):
    """The process of a try was told to end before the job was over."""

    def __init__(self) -> None:
        super().__init__(
            "the worker was told to end (SIGTERM) before the job was over, so its pod is deleted and this try has"
            " failed. A worker is told so when its node or its deployment shuts down, and when somebody clears or"
            " marks the task"
        )


class CheckWorker(KubernetesPodOperatorCallback):
    """Looks for the signal just before a pod is created and just after.

    Airflow calls the operator's ``on_kill`` in the signal's handler. It deletes the pod that the operator knows, and
    the operator goes on with what it was about to do: creating the pod, say.
    """

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text; Python's own would name a place in memory.
        return "Stopping()"

    def on_pod_manifest_created(self, *, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Raise ``WorkerStopped`` where the signal came before the pod."""
        check_worker(operator)

    def on_pod_creation(self, *, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Raise ``WorkerStopped`` where the signal came while the pod was created."""
        check_worker(operator)


def check_worker(operator: Any) -> None:
    """Raise ``WorkerStopped`` where the process of the operator was told to end."""
    if operator._killed:
        raise WorkerStopped
