"""``dagf pods reap``: delete the pods that no try watches."""

from __future__ import annotations

import time

from dag_factory.cli import terminal
from dag_factory.cli.commands.pods.connections import Where, open_connections, unavailable
from dag_factory.cli.errors import CouldNotRun
from dag_factory.pods.airflow_tasks import AirflowUnavailable
from dag_factory.pods.cluster_pods import ClusterUnavailable
from dag_factory.pods.find_pods import FoundPod, find_pods
from dag_factory.pods.reap import reap
from dag_factory.pods.table import age_text, job_text


def reap_pods(where: Where, yes: bool) -> int:
    """Show the orphans, ask, and delete them. Returns 1 if some of them are left."""
    connections = open_connections(where)
    with unavailable():
        found = find_pods(connections.cluster, connections.airflow, connections.namespaces, connections.environment)
    terminal.note(connections.description)
    if found.doubt or connections.airflow is None:
        raise CouldNotRun(found.doubt)
    orphans = [one for one in found.pods if one.watch.state == "orphan"]
    if not orphans:
        terminal.write("No orphans.")
        return 0
    for orphan in orphans:
        terminal.write(_line(orphan))
    count = f"{len(orphans)} {'pod' if len(orphans) == 1 else 'pods'}"
    if not yes and not terminal.confirm(f"Delete {count}?"):
        terminal.write("Nothing was deleted.")
        return 1
    left = 0
    for orphan in orphans:
        name = f"{orphan.pod.pod.namespace}/{orphan.pod.pod.name}"
        try:
            result = reap(connections.cluster, connections.airflow, orphan)
        except (ClusterUnavailable, AirflowUnavailable) as failure:
            left += 1
            terminal.write(f"not deleted  {name}: {failure}")
            continue
        terminal.write(f"deleted      {name}" if result.deleted else f"not deleted  {name}: {result.reason}")
    return 1 if left else 0


def _line(orphan: FoundPod) -> str:
    pod = orphan.pod
    what = f"{pod.pipeline} {job_text(orphan)} try {pod.try_number}, {pod.flavor}"
    age = age_text(time.time() - pod.created)
    return f"{pod.pod.namespace}/{pod.pod.name}  {pod.pod.phase} for {age}  {what}  ({orphan.watch.reason})"
