"""Every pod of a job with its reason, and with who watches it: the cluster and Airflow together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from dag_factory.pods.airflow_tasks import AirflowTasks, AirflowUnavailable
from dag_factory.pods.cluster_pods import ClusterPods, ClusterUnavailable
from dag_factory.pods.job_pod import JobPod, TaskLabels, pod_reason
from dag_factory.pods.watching import Task, Watch, judge
from dag_factory.verdicts.evidence.model import Event
from dag_factory.verdicts.kinds import Kind


class FoundPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod with its task instance. ``kind`` and ``reason``: the verdict, or in ``reason`` what it waits for."""

    pod: JobPod
    task: Task | None
    watch: Watch
    kind: Kind | None = None
    reason: str = ""


class Found(msgspec.Struct, frozen=True):
    """The pods, oldest first.

    ``doubt``: why nobody knows who watches them, or an empty string. ``notes``: what else could not be read.
    """

    pods: tuple[FoundPod, ...]
    doubt: str = ""
    notes: tuple[str, ...] = ()


def find_pods(
    cluster: ClusterPods,
    airflow: AirflowTasks | None,
    namespaces: Sequence[str],
    environment: str | None,
    clock: Callable[[], float] = time.time,
) -> Found:
    """Find the pods in these namespaces (all if empty). Raises ``ClusterUnavailable``.

    Without an Airflow that answers, nobody knows who watches a pod.
    """
    notes: list[str] = []
    pods = cluster.list(namespaces, environment)
    tasks, doubt = _find_tasks(airflow, pods)
    unexplained = {one.pod.namespace for one in pods if one.pod.phase in ("Pending", "Failed")}
    events: dict[str, tuple[Event, ...]] = {}
    try:
        events = cluster.events(sorted(unexplained))
    except ClusterUnavailable as failure:
        notes.append(f"the reasons are incomplete: {failure}")
    now, rivals = clock(), count_rivals(pods)
    found = []
    for pod in pods:
        task = tasks.get(pod.task)
        watch = Watch("unknown", "") if doubt else judge(pod, task, now, rivals[pod.pod.uid])
        kind, reason = pod_reason(pod, events.get(pod.pod.uid, ()), now)
        found.append(FoundPod(pod=pod, task=task, watch=watch, kind=kind, reason=reason))
    return Found(tuple(found), doubt, tuple(notes))


def _find_tasks(airflow: AirflowTasks | None, pods: Sequence[JobPod]) -> tuple[dict[TaskLabels, Task], str]:
    """The task instances of the pods, or why nobody knows them."""
    if airflow is None:
        return {}, "only Airflow knows which try watches a pod; name it with --airflow or DAG_FACTORY_AIRFLOW_URL"
    try:
        return airflow.find(one.task for one in pods), ""
    except AirflowUnavailable as failure:
        return {}, str(failure)


def count_rivals(pods: Sequence[JobPod]) -> dict[str, int]:
    """How many other active pods each pod's task instance has that it is not done with."""

    def competes(pod: JobPod) -> bool:
        return pod.is_active and not pod.checked and pod.pod.deleted is None

    number = Counter(pod.task for pod in pods if competes(pod))
    return {pod.pod.uid: number[pod.task] - competes(pod) for pod in pods}
