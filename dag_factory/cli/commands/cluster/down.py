"""``dagf cluster down``: stop the local cluster."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, running_folder, state_folder
from dag_factory.cluster import down as stop


def down(state: Path | None) -> int:
    """Stop the cluster if it runs."""
    with cluster_errors():
        stopped = stop(state_folder(state))
    terminal.write("Stopped." if stopped else "Nothing was running.")
    other = running_folder(state)
    if not stopped and other != state_folder(state):
        terminal.note(f"Another cluster runs in {other}; stop it together with its Airflow: dagf down")
    return 0
