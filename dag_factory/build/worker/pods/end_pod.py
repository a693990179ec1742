"""End the pod of a try from the worker, so that nothing of the try runs on and the next try takes nothing over."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import urllib3
from airflow.providers.cncf.kubernetes.operators.pod import POD_IDENTIFIER_STATE_KEY, KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.pod_manager import OnFinishAction
from kubernetes.client.exceptions import ApiException

from dag_factory.verdicts.evidence.model import Evidence


def stop(operator: KubernetesPodOperator, pod: Any) -> None:
    """End a pod that may still run: delete it, or end its containers if the pod must be kept."""
    metadata: Any = pod.metadata
    with suppress(ApiException, urllib3.exceptions.HTTPError):
        operator.patch_already_checked(pod, reraise=False)
        if operator.on_finish_action == OnFinishAction.DELETE_POD:
            operator.pod_manager.delete_pod(pod)
        else:
            deadline = {"spec": {"activeDeadlineSeconds": 1}}
            operator.client.patch_namespaced_pod(metadata.name, metadata.namespace, deadline)


def delete_killed(operator: KubernetesPodOperator) -> None:
    """Delete the pod of a try whose worker received SIGTERM.

    ``on_kill`` did, unless it failed or knew no pod. The pod may take some time to end, and Airflow's operator takes
    over any pod of an earlier try without the mark.
    """
    if operator.pod is None:
        return
    metadata: Any = operator.pod.metadata
    checked = {"metadata": {"labels": {operator.POD_CHECKED_KEY: "True"}}}
    with suppress(ApiException, urllib3.exceptions.HTTPError):
        operator.client.patch_namespaced_pod(metadata.name, metadata.namespace, checked)
    with suppress(ApiException, urllib3.exceptions.HTTPError):
        operator.pod_manager.delete_pod(operator.pod)


def delete_unwatched(
    operator: KubernetesPodOperator, context: Any, collect: Callable[[Any], Evidence]
) -> Evidence | None:
    """Delete the pod of a try whose trigger failed: nothing watches it, and the next try would take it over.

    Returns its evidence; None if the try has no pod.
    """
    evidence: Evidence | None = None
    try:
        pod = operator._get_pod_from_task_state_store(context)
        if pod is None:
            request: Any = operator.build_pod_request_obj(context)
            pod = operator.find_pod(operator.namespace or request.metadata.namespace, context)
        if pod is not None:
            evidence = collect(pod)
            operator.patch_already_checked(pod, reraise=False)
            operator.pod_manager.delete_pod(pod)
    except Exception:
        operator.log.exception("Cannot delete the pod of this try, and nothing watches the pod any more.")
    return evidence


def forget(context: Any) -> None:
    """Remove the name of the pod from the state of the task: the next try would take the pod for its own."""
    if (store := context.get("task_state_store")) is not None:
        with suppress(Exception):  # a failure only costs the next try a line in its log
            store.delete(POD_IDENTIFIER_STATE_KEY)
