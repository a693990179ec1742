"""Delete the pods of a run in the local cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from dag_factory.cluster.client import ClusterError, request_json


def deleter(cluster_folder: Path) -> Callable[[str, str], int]:
    """Return a function that deletes the pods of a run of a DAG. It returns how many were there."""

    def delete(dag_id: str, run_id: str) -> int:
        selector = quote(f"dag_id={dag_id},run_id={run_id}")
        try:
            found = request_json(cluster_folder, f"/api/v1/pods?labelSelector={selector}")["items"]
        except ClusterError:  # it does not run, so no pod does
            return 0
        pods = [one["metadata"] for one in found if "deletionTimestamp" not in one["metadata"]]
        for pod in pods:
            try:
                request_json(cluster_folder, f"/api/v1/namespaces/{pod['namespace']}/pods/{pod['name']}", "DELETE")
            except ClusterError:  # it has ended in the meantime
                continue
        return len(pods)

    return delete
