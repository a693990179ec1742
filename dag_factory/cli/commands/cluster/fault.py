"""``dagf cluster fault``: inject faults, to see how a pipeline reacts."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, running_folder
from dag_factory.cluster import faults_client, status

_NODE_SECONDS = 5.0  # until the pods of a lost node are deleted


def fault(
    state: Path | None,
    kind: str | None,
    error_rate: float | None,
    clear: bool,
    pattern: str,
    times: int,
    after: float,
) -> int:
    """Inject a fault of this ``kind`` (``oom``, ``evict``, ``node`` or None), and print all pending faults.

    ``times`` pods whose names match ``pattern`` are affected, each ``after`` so many seconds.
    """
    folder = running_folder(state)
    with cluster_errors():
        if clear:
            faults_client.clear(folder)
        if error_rate is not None:
            faults_client.set_api_errors(folder, error_rate)
        if kind == "node":
            faults_client.lose_node(folder, after or _NODE_SECONDS)
            terminal.write("The node is lost.")
        elif kind:
            affected = faults_client.fail_pods(folder, kind, pattern, times=times, after=after)["struck"]
            later = f", and {times - affected} that start later" if affected < times else ""
            terminal.write(f"Pods affected: {affected} now{later}.")
        pending = (status(folder) or {}).get("faults", [])
    terminal.write("\n".join(pending) or "No faults are pending.")
    return 0
