"""``dagf cluster evict``: evict a pod."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, running_folder
from dag_factory.cluster import faults_client


def evict(state: Path | None, namespace: str, pod: str) -> int:
    """Let the pod fail with the reason Evicted."""
    with cluster_errors():
        faults_client.evict(running_folder(state), pod, namespace)
    terminal.write(f"Evicted {namespace}/{pod}.")
    return 0
