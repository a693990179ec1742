"""Configure the sidecar that reads a job's output, as the environment sets it.

The operator has no argument for its image. It offers a callback that receives the pod before it is created.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback

from dag_factory.build.pod import client_objects
from dag_factory.config.model import XcomSidecar
from dag_factory.config.pod.final_pod import XCOM


class XcomSidecarCallback(KubernetesPodOperatorCallback):
    """Changes Airflow's XCom sidecar in the pod that is about to be created, also in deferred runs."""

    def __init__(self, sidecar: XcomSidecar) -> None:
        self.sidecar = sidecar

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. This text is constant, so that an edit of a platform table
        # creates no new version of the DAG.
        return "XcomSidecarCallback()"

    def on_pod_manifest_created(self, *, pod_request: Any, **_: Any) -> None:  # type: ignore[override]
        """Apply the environment's settings; all other fields keep Airflow's values."""
        for container in pod_request.spec.containers:
            if container.name == XCOM:
                settings = self.sidecar
                container.image = settings.image or container.image
                if settings.security_context:
                    container.security_context = client_objects.from_fragment(
                        "V1SecurityContext", settings.security_context
                    )
                if settings.resources:
                    container.resources = client_objects.from_fragment("V1ResourceRequirements", settings.resources)
