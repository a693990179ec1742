"""``dagf cluster down``: stop the local cluster."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, state_folder
from dag_factory.cluster import down as stop


def down(state: Path | None) -> int:
    """Stop the cluster if it runs."""
    with cluster_errors():
        terminal.write("Stopped." if stop(state_folder(state)) else "Nothing was running.")
    return 0
