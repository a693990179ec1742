"""What tests of whole pods share: all projects, the pod that the operator creates, and its normal form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FROM_AIRFLOW = {"dag_id", "task_id", "run_id", "map_index", "kubernetes_pod_operator", "airflow_version", "try_number"}
PROJECTS = [
    *((ROOT, name) for name in ("local", "dev", "prod")),
    *((ROOT / "tests" / "real", name) for name in ("development", "production")),
]
"""The folder and the environment of each project: the examples, and the real pipelines of another team."""


def set_values(value: Any) -> Any:
    """JSON without empty lists, maps and nulls, which have no meaning; `emptyDir: {}` has one."""
    if isinstance(value, dict):
        inner = {key: set_values(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if key == "emptyDir" or item not in (None, [], {})}
    return [set_values(item) for item in value] if isinstance(value, list) else value


def unmarked(pod: Any) -> Any:
    """The pod without the marks that keep Kubernetes from expanding rendered text."""
    return json.loads(json.dumps(pod).replace("{% escape_dollars %}", "").replace("{% end_escape_dollars %}", ""))


def created_pod(task: Any) -> dict[str, Any]:
    """The operator's pod after the callbacks that change it."""
    from kubernetes.client import ApiClient

    if hasattr(task, "partial_kwargs"):
        task = task.unmap({"params": {}})
    pod = task.build_pod_request_obj(dry_run=True)
    for callback in task.callbacks:
        callback.on_pod_manifest_created(pod_request=pod, client=None, mode="sync", context={}, operator=task)
    found: dict[str, Any] = ApiClient().sanitize_for_serialization(pod)
    return found


def asked_for(task: Any) -> dict[str, Any]:
    """The operator's pod, without the fields that identify a try."""
    found = created_pod(task)
    metadata = {key: found["metadata"].get(key) for key in ("namespace", "labels", "annotations")}
    metadata["labels"] = own_labels(metadata["labels"])
    if found["spec"].get("hostNetwork") is False:  # the operator sets the default explicitly
        del found["spec"]["hostNetwork"]
    return set_values(unmarked({"metadata": metadata, "spec": found["spec"]}))  # type: ignore[no-any-return]


def own_labels(labels: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in labels.items() if not (name.startswith("dagwright/") or name in FROM_AIRFLOW)}
