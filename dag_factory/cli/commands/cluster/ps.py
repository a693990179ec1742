"""``dagf cluster ps``: list pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, running_folder
from dag_factory.cluster.client import request_json

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_HEADINGS = ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]


def ps(state: Path | None, everything: bool) -> int:
    """Print the pods that wait or run; with ``everything`` those that have ended too."""
    with cluster_errors():
        table = request_json(running_folder(state), "/api/v1/pods", accept=_TABLE)
    rows = [_cells(row) for row in table["rows"] if everything or not _has_ended(row)]
    if not rows:
        terminal.write("No pods." if everything else "No pods are waiting or running; use -a to list ended pods.")
        return 0
    rows = [_HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for line in rows:
        terminal.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def _cells(row: dict[str, Any]) -> list[str]:
    return [row["object"]["metadata"]["namespace"], *map(str, row["cells"][:5])]


def _has_ended(row: dict[str, Any]) -> bool:
    return any(condition["type"] == "Completed" for condition in row.get("conditions") or [])
