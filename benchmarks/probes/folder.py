"""Parse a folder of DAGs once with Airflow's own DagBag.

``python folder.py OUT DAGS [--pods]`` measures the time. With ``--pods`` the result also has a digest of each task's
pod, to compare contestants. Airflow and the operator are imported before the measurement, as in the DAG processor
before it forks. A contestant's own imports are part of the parse.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

from airflow.dag_processing.dagbag import DagBag
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from common import cpu, rss_mb, write_result
from kubernetes.client import ApiClient


def pods(bag: DagBag) -> list[str]:
    """Return a digest of each task's pod: the fields that ``benchmarks.work`` sets."""
    client = ApiClient()
    KubernetesPodOperator.hook = SimpleNamespace(is_in_cluster=False)  # no cluster is contacted
    digests = []
    for dag_id, dag in sorted(bag.dags.items()):
        for task in sorted(dag.tasks, key=lambda task: task.task_id):
            pod = client.sanitize_for_serialization(task.build_pod_request_obj())
            fields = [dag_id, task.task_id, sorted(task.upstream_task_ids), compared_fields(pod)]
            digests.append(hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest())
    return digests


def compared_fields(pod: dict) -> dict:
    """Return the fields of a pod that all contestants must agree on."""
    container = pod["spec"]["containers"][0]
    labels = pod["metadata"].get("labels", {})
    return {
        "image": container["image"],
        "command": container.get("command"),
        "env": sorted(container.get("env", []), key=lambda one: one["name"]),
        "resources": container.get("resources"),
        "mounts": container.get("volumeMounts"),
        "security": container.get("securityContext"),
        "volumes": pod["spec"].get("volumes"),
        "tolerations": pod["spec"].get("tolerations"),
        "labels": {name: labels[name] for name in ("cost-center", "step") if name in labels},
    }


def main() -> None:
    folder = Path(sys.argv[2])
    began = cpu()
    bag = DagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="bench")
    used = cpu() - began
    write_result(
        cpu=used,
        rss_mb=rss_mb(),
        dags=len(bag.dags),
        tasks=sum(len(dag.tasks) for dag in bag.dags.values()),
        errors=[str(error) for error in bag.import_errors.values()][:3],
        pods=pods(bag) if "--pods" in sys.argv else [],
    )


main()
