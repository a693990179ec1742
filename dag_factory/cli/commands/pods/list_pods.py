"""``dagf pods``: list the pods of jobs, and who watches them."""

from __future__ import annotations

import json
import shutil
import sys
import time

from dag_factory.cli import terminal
from dag_factory.cli.commands.pods.connections import Where, open_connections, unavailable
from dag_factory.cli.errors import CouldNotRun
from dag_factory.pods.find_pods import find_pods
from dag_factory.pods.table import as_json, summary, table


def list_pods(where: Where, orphans: bool, wide: bool, output_json: bool) -> int:
    """Print the pods, or only the orphans. Returns 1 if only orphans were asked for and there are some."""
    connections = open_connections(where)
    with unavailable():
        found = find_pods(connections.cluster, connections.airflow, connections.namespaces, connections.environment)
    if orphans and found.doubt:
        raise CouldNotRun(found.doubt)
    pods = [one for one in found.pods if not orphans or one.watch.state == "orphan"]
    now = time.time()
    if output_json:
        terminal.write(json.dumps([as_json(one, now) for one in pods], indent=2))
    elif pods:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in table(pods, now, wide, width):
            terminal.write(line)
    for note in (*filter(None, [found.doubt]), *found.notes):
        terminal.note(f"note: {note}")
    if not output_json:
        empty = "No orphans" if orphans else "No pods of jobs"
        terminal.note(f"{summary(pods) if pods else empty}. {connections.description}")
    return 1 if orphans and pods else 0
