"""The pod of a job as the operator sends it for the first try, with ``{{ }}`` not rendered.

What is known only at run time is missing: the random suffix of the name, and the labels with the run, the number of the
try and the versions of Airflow.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.model import Fragment, Job, Pipeline
from dag_factory.config.pod.final_pod import XCOM, final_pod
from dag_factory.config.pod.labels import TRY_FLAVOR, pod_labels
from dag_factory.config.pod.names import label_value, pod_name

XCOM_IMAGE = "alpine:3.24.2"
"""The image of the container that reads the output, if neither the environment nor the Airflow connection sets one."""

_LABEL_LENGTH = 63
_LABEL_HASH = 9


def operator_pod(pipeline: Pipeline, job: Job) -> Fragment:
    """The pod as Kubernetes JSON. Without a namespace, the Airflow connection sets it."""
    pod = final_pod(job, pipeline.cluster)
    metadata = {"name": pod_name(pipeline.id, job.name), **pod.get("metadata", {}), "labels": _labels(pipeline, job)}
    containers = [
        {"name": XCOM, "image": XCOM_IMAGE, **one} if one["name"] == XCOM and job.output else one
        for one in pod["spec"]["containers"]
    ]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**pod["spec"], "containers": containers}}


def rejected_templates(pod: Fragment) -> tuple[str, ...]:
    """The labels and node labels that a cluster rejects until Airflow has rendered them, as paths in the pod."""
    places = (("metadata.labels", pod["metadata"]["labels"]), ("spec.nodeSelector", pod["spec"].get("nodeSelector")))
    return tuple(
        f"{path}.{name}" for path, texts in places for name, text in (texts or {}).items() if has_template(text)
    )


def _labels(pipeline: Pipeline, job: Job) -> dict[str, str]:
    overlay: dict[str, Any] = ((job.pod or {}).get("metadata") or {}).get("labels") or {}
    labels = {**pod_labels(pipeline, job), **overlay}
    written = {**job.labels, **overlay}
    return {
        **{name: _shown(text, written.get(name)) for name, text in labels.items() if text is not None},
        **dict(_airflow_labels(pipeline, job)),
        TRY_FLAVOR: label_value(job.flavor.name),
    }


def _shown(text: str, written: str | None) -> str:
    """The value of a label: a template as the file has it, any other text as a valid value."""
    if written is not None and has_template(written):
        return written
    return text if has_template(text) else label_value(text)


def _airflow_labels(pipeline: Pipeline, job: Job) -> Iterator[tuple[str, str]]:
    yield "dag_id", airflow_label(pipeline.id)
    yield "task_id", airflow_label(job.name)
    yield "kubernetes_pod_operator", "True"


def airflow_label(text: str) -> str:
    """A label value as Airflow makes it of an id."""
    safe = re.sub(r"^[^a-z0-9A-Z]*|[^a-zA-Z0-9_\-\.]|[^a-z0-9A-Z]*$", "", text)
    if len(safe) <= _LABEL_LENGTH and safe == text:
        return safe
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:_LABEL_HASH]
    return f"{safe[: _LABEL_LENGTH - _LABEL_HASH - 1]}-{digest}"
