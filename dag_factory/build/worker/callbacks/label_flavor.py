"""Label the pod of a try with its flavor."""

from __future__ import annotations

from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback

from dag_factory.config.pod.labels import TRY_FLAVOR
from dag_factory.config.pod.names import safe_label


class LabelFlavor(KubernetesPodOperatorCallback):
    """Adds the label of the flavor, and the labels that a larger flavor sets."""

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. Python's default text contains a memory address.
        return "LabelFlavor()"

    def on_pod_manifest_created(self, *, pod_request: Any, operator: Any, context: Any, **_: Any) -> None:  # type: ignore[override]
        """Add the labels to the pod that is about to be created, also in deferred runs."""
        own, job = operator.job and operator.job.model, operator.try_job
        if own is None or job is None:
            return
        labels = {name: text for name, text in job.labels.items() if own.labels.get(name) != text}
        rendered = operator.render_template({name: safe_label(text) for name, text in labels.items()}, context)
        pod_request.metadata.labels.update({**rendered, TRY_FLAVOR: safe_label(job.flavor.name)})
