"""Pods that a run left behind: nothing watches the pod of a last try whose worker was killed.

Airflow calls nothing in a worker after such a kill. So the callback of the run looks for these pods, in the DAG
processor. It needs the same access to the cluster as a worker; without it, the log names the reason.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dag_factory.config.model import Job, Pipeline

PATIENCE = 15.0
"""Seconds in which a worker deletes the pod itself, if somebody marked its task as failed. It learns this from its next
heartbeat. Airflow ends the process of the callback after 50 s."""

_POLL = 1.0  # seconds
_TIMEOUT = 5  # seconds, for one request
_CHECKED = "already_checked"  # the label of a pod that its try is done with
_OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_log = logging.getLogger(__name__)


class LeftPods:
    """The callback of the runs of one pipeline. Airflow stores only that the DAG has a callback."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def __deepcopy__(self, _memo: Any) -> LeftPods:
        return self

    def __call__(self, context: Any) -> None:
        """End the pods that the run left behind. An error is logged: it must not stop other callbacks."""
        try:
            delete_left_pods(self._pipeline, str(context["run_id"]))
        except Exception as error:
            _log.warning(
                "Cannot look for pods that the run %s of %s left behind: %s. `dagf pods` shows them.",
                context.get("run_id"),
                self._pipeline.id,
                error,
            )


def run_callbacks(
    pipeline: Pipeline, of_alerts: dict[str, Callable[[Any], None]]
) -> dict[str, list[Callable[[Any], None]]]:
    """The callbacks of a DAG. Alerts come first: they are stored at once, and a pod may take some seconds to end."""
    left = LeftPods(pipeline)
    found = {name: [callback] for name, callback in of_alerts.items()}
    found["on_failure_callback"] = [*found.get("on_failure_callback", ()), left]
    # A run succeeds although a job failed only if another job runs after failures.
    if any(job.trigger_rule != "all_success" or job.teardown_of for job in pipeline.jobs):
        found["on_success_callback"] = [*found.get("on_success_callback", ()), left]
    return found


def delete_left_pods(pipeline: Pipeline, run_id: str, client: Any = None, patience: float = PATIENCE) -> list[str]:
    """End each pod of a failed task of an ended run that nothing watches. Returns the names of the pods.

    ``client`` is a Kubernetes client, by default that of the pipeline's connection. ``patience`` is how long a worker
    that is still alive may take to delete its pod, in seconds.
    """
    namespace = pipeline.cluster.namespace or "default"
    api, namespace = (client, namespace) if client else _connect(pipeline)
    until = time.monotonic() + patience
    while pods := _find(api, namespace, pipeline, run_id):
        if time.monotonic() >= until:
            break
        time.sleep(_POLL)
    ended = []
    for pod, job in pods:
        name = pod.metadata.name
        if _end(api, pod, job):
            ended.append(name)
            _log.warning("The worker of %s was lost in run %s. Its pod %s was ended.", job.name, run_id, name)
    return ended


def _connect(pipeline: Pipeline) -> tuple[Any, str]:
    """A client of the cluster, and the namespace of the pods, which the operator chooses in the same way."""
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

    cluster = pipeline.cluster
    connection = cluster.kubernetes_conn_id or KubernetesHook.default_conn_name
    hook = KubernetesHook(conn_id=connection, in_cluster=cluster.in_cluster)
    client = hook.core_v1_client
    namespace = cluster.namespace or hook.get_namespace()
    if not namespace and hook.is_in_cluster and _OWN_NAMESPACE.exists():
        namespace = _OWN_NAMESPACE.read_text().strip()
    return client, namespace or "default"


def _find(api: Any, namespace: str, pipeline: Pipeline, run_id: str) -> list[tuple[Any, Job]]:
    """The pods of failed tasks that are not being deleted. Kept pods that have ended are not among them.

    The states are read after the pods. So a pod of a task that is cleared in between is not found.
    """
    from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

    jobs = {make_safe_label_value(job.name): job for job in pipeline.jobs}
    labels = {"dag_id": pipeline.id, "run_id": run_id, "kubernetes_pod_operator": "True"}
    selector = ",".join(f"{name}={make_safe_label_value(value)}" for name, value in labels.items())
    listed = api.list_namespaced_pod(namespace, label_selector=selector, _request_timeout=_TIMEOUT).items
    found = []
    for pod in listed:
        own = pod.metadata.labels
        job = jobs.get(own.get("task_id", ""))
        if job is None or pod.metadata.deletion_timestamp is not None or not _is_left(pod, job):
            continue
        if _state(pipeline.id, run_id, job.name, own.get("map_index")) == "failed":
            found.append((pod, job))
    return found


def _is_left(pod: Any, job: Job) -> bool:
    is_over = pod.status.phase in ("Succeeded", "Failed")
    return not is_over or (job.keep_pod == "never" and pod.metadata.labels.get(_CHECKED) != "True")


def _state(dag_id: str, run_id: str, task_id: str, map_index: str | None) -> str:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    index = int(map_index) if map_index and map_index.isdecimal() else None
    states = RuntimeTaskInstance.get_task_states(dag_id=dag_id, map_index=index, task_ids=[task_id], run_ids=[run_id])
    name = task_id if index is None else f"{task_id}_{index}"
    return str(states.get(run_id, {}).get(name) or "")


def _end(api: Any, pod: Any, job: Job) -> bool:
    """Delete a pod, or end its containers if it must be kept. Returns whether the pod was still there."""
    from kubernetes.client import models as k8s
    from kubernetes.client.exceptions import ApiException

    name, namespace = pod.metadata.name, pod.metadata.namespace
    try:
        checked: dict[str, Any] = {"metadata": {"uid": pod.metadata.uid, "labels": {_CHECKED: "True"}}}
        api.patch_namespaced_pod(name, namespace, checked, _request_timeout=_TIMEOUT)
        if job.keep_pod != "never":
            deadline = {"metadata": {"uid": pod.metadata.uid}, "spec": {"activeDeadlineSeconds": 1}}
            api.patch_namespaced_pod(name, namespace, deadline, _request_timeout=_TIMEOUT)
        else:
            only_this = k8s.V1DeleteOptions(preconditions=k8s.V1Preconditions(uid=pod.metadata.uid))
            api.delete_namespaced_pod(name, namespace, body=only_this, _request_timeout=_TIMEOUT)
    except ApiException as failure:
        if failure.status not in (404, 409):  # gone, or another pod has the name
            raise
        return False
    return True
