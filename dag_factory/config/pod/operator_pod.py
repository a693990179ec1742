"""The pod of a job as the operator sends it: with labels, and with ``{{ }}`` not rendered.

The operator adds a random suffix to the name, and the labels that identify the task instance. They are known only at
run time.
"""

from __future__ import annotations

from dag_factory.config.model import Fragment, Job, Pipeline
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.pod.labels import pod_labels
from dag_factory.config.pod.names import pod_name, safe_label


def operator_pod(pipeline: Pipeline, job: Job) -> Fragment:
    """The pod of a job, as Kubernetes JSON."""
    pod = final_pod(job, pipeline.cluster)
    overlay = ((job.pod or {}).get("metadata") or {}).get("labels") or {}
    labels = {**pod_labels(pipeline, job), **{name: safe_label(text) for name, text in overlay.items() if text}}
    labels = {name: text for name, text in labels.items() if overlay.get(name, text) is not None}
    metadata = {"name": pod_name(pipeline.id, job.name), **pod.get("metadata", {}), "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}
