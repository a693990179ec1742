"""``dagf cluster logs``: print the log of a pod."""

from __future__ import annotations

import sys
from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.commands.cluster.state import cluster_errors, running_folder
from dag_factory.cluster.client import ResponseError, request_json, stream_lines


def logs(
    state: Path | None,
    namespace: str,
    pod: str,
    container: str,
    follow: bool,
    tail: int | None,
    timestamps: bool,
    previous: bool,
) -> int:
    """Print the log of one ``container``, or of all containers in turn if it is empty."""
    query = {"timestamps": str(timestamps).lower(), "previous": str(previous).lower(), "follow": str(follow).lower()}
    query |= {"tailLines": str(tail)} if tail is not None else {}
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
    with cluster_errors():
        spec = request_json(running_folder(state), path)["spec"]
        names = [one["name"] for one in [*(spec.get("initContainers") or []), *spec["containers"]]]
        several = not container and len(names) > 1
        for name in [container] if container else names:
            if several:
                terminal.note(terminal.style(f"== {name} ==", fg="cyan"))
            try:
                for line in stream_lines(running_folder(state), f"{path}/log", container=name, **query):
                    sys.stdout.buffer.write(line)
                    sys.stdout.buffer.flush()
            except ResponseError as error:
                if not several:
                    raise
                terminal.note(error)
    return 0
