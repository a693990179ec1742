"""Fail a try whose worker is stopping, so that it creates no pod and waits for none."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback

from dag_factory.build.worker.errors import WorkerStopped


class CheckWorker(KubernetesPodOperatorCallback):
    """Checks for the signal right before a pod is created and right after.

    Airflow calls the operator's ``on_kill`` in the handler of the signal. It deletes the pod that the operator knows.
    Then the operator continues with its next step, which may be to create the pod.
    """

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. Python's default text contains a memory address.
        return "CheckWorker()"

    def on_pod_manifest_created(self, *, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Raise ``WorkerStopped`` if the signal came before the pod was created."""
        check_worker(operator)

    def on_pod_creation(self, *, operator: Any, **_: Any) -> None:  # type: ignore[override]
        """Raise ``WorkerStopped`` if the signal came while the pod was created."""
        check_worker(operator)


def check_worker(operator: Any) -> None:
    """Raise ``WorkerStopped`` if the process of the operator received SIGTERM."""
    if operator._killed:
        raise WorkerStopped
