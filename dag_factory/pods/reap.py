"""Delete one orphan, after making sure that it still is one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from dag_factory.pods.airflow_tasks import AirflowTasks
from dag_factory.pods.cluster_pods import ClusterPods, PodChanged
from dag_factory.pods.find_pods import FoundPod
from dag_factory.pods.watching import judge


class Reaped(NamedTuple):
    """Whether the pod was deleted, and otherwise why not."""

    deleted: bool
    reason: str = ""


def reap(
    cluster: ClusterPods, airflow: AirflowTasks, orphan: FoundPod, clock: Callable[[], float] = time.time
) -> Reaped:
    """Delete an orphan. Raises ``ClusterUnavailable``, ``AirflowUnavailable``.

    The pod is marked first, so that no try that starts now takes it over. Then the task is read again. A try that
    started before the mark may have taken the pod over, so the mark is removed and the pod stays.
    """
    pod = orphan.pod
    try:
        pod = cluster.read(pod)
        if pod.pod.deleted is not None:
            return Reaped(False, "it is being deleted already")
        cluster.mark(pod, True)
        keep = True
        try:
            task = airflow.read(orphan.task) if orphan.task else None
            watch = judge(pod, task, clock())
            keep = watch.state != "orphan"
        finally:
            if keep and not pod.checked:
                cluster.mark(pod, False)
        if keep:
            return Reaped(False, watch.reason)
        cluster.delete(pod)
    except PodChanged:
        return Reaped(False, "it is gone already")
    return Reaped(True)
