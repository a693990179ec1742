"""``dagf cluster status``: show what runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, running_folder
from dag_factory.cluster import status as read_status


def status(state: Path | None) -> int:
    """Print the cluster's facts and its pods. Returns 1 if no cluster runs."""
    folder = running_folder(state)
    with cluster_errors():
        found = read_status(folder)
    if found is None:
        terminal.write("No cluster runs; start one with: dagf cluster up")
        return 1
    pods = found.pop("pods")
    _print_facts(found)
    terminal.write(f"kubectl     export KUBECONFIG={shlex.quote(str(folder / 'kubeconfig'))}")
    terminal.write()
    _print_pods(pods)
    return 0


def _print_facts(facts: dict[str, Any]) -> None:
    shown = {key: value for key, value in facts.items() if key not in ("running", "faults")}
    shown["faults"] = "; ".join(facts.get("faults", ())) or "none"
    width = max(map(len, shown))
    for key, value in shown.items():
        terminal.write(f"{key:<{width}}  {value}")


def _print_pods(pods: list[dict[str, Any]]) -> None:
    names = [f"{pod['namespace']}/{pod['name']}" for pod in pods]
    width = max(map(len, names), default=0)
    for name, pod in zip(names, pods, strict=True):
        terminal.write(f"{name:<{width}}  {pod['phase']:<10}  {pod['created']}")
    if not pods:
        terminal.write("No pods.")
