"""Check the rendered pod against the guards, right before it is created."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback

from dag_factory.build.pod import client_objects
from dag_factory.build.worker.errors import PodRefused
from dag_factory.config.guard_rules import NONE, Guards
from dag_factory.config.guards.check import breaches
from dag_factory.config.model import Job


class PodGuard(KubernetesPodOperatorCallback):
    """Fails a task whose pod breaks a rule, before the pod exists. It is the last callback of a task."""

    def __init__(self, job: Job, guards: Guards) -> None:
        self.job, self.guards = job, guards

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. This text is constant, so that an edit of a platform table
        # creates no new version of the DAG.
        return "PodGuard()"

    def on_pod_manifest_created(self, *, pod_request: Any, operator: Any = None, **_: Any) -> None:  # type: ignore[override]
        """Check the pod with the flavor of this try. Raises ``PodRefused`` with each rule and its position.

        No retry follows: the same pod would break the same rule.
        """
        if self.guards == NONE:
            return
        job = getattr(operator, "try_job", None) or self.job
        found = breaches(client_objects.to_fragment(pod_request), job, self.guards)
        problems = [f"{one.code}: {one.message} ({one.hint})" for one in found if one.severity == "error"]
        if problems:
            raise PodRefused("\n".join(["the pod is not created:", *problems]))
