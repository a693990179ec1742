"""The container that reads a job's output, as the environment wants it.

The operator has no argument for its image; what it offers is a look at the pod before the pod is asked for.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback

from dag_factory.build.pod import client_objects
from dag_factory.config.model import XcomSidecar
from dag_factory.config.pod.final_pod import XCOM


class XcomSidecarCallback(KubernetesPodOperatorCallback):
    """Changes Airflow's XCom sidecar in the pod that is about to be created, deferred runs included."""

    def __init__(self, sidecar: XcomSidecar) -> None:
        self.sidecar = sidecar

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text: an edit of a platform table makes no new version of a DAG.
        return "XcomSidecarCallback()"

    def on_pod_manifest_created(self, *, pod_request: Any, **_: Any) -> None:  # type: ignore[override]
        """Set what the environment says; the rest stays as Airflow has it."""
        for container in pod_request.spec.containers:
            if container.name == XCOM:
                said = self.sidecar
                container.image = said.image or container.image
                if said.security_context:
                    container.security_context = client_objects.from_fragment(
                        "V1SecurityContext", said.security_context
                    )
                if said.resources:
                    container.resources = client_objects.from_fragment("V1ResourceRequirements", said.resources)
