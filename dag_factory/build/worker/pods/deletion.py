"""Was the pod of a try deleted from outside? The operator asks before it judges how the container ended.

The exit code does not say it: a container that exits with 0 when it is told to stop has not done its work.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import KubernetesApiException
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.container import get_container_status
from airflow.providers.cncf.kubernetes.utils.pod_manager import PodNotFoundException
from kubernetes.client import models as k8s
from kubernetes.client.exceptions import ApiException

from dag_factory.build.worker.errors import DELETED, KnownFailure, PodDeleted

_CLOCK_TOLERANCE = timedelta(seconds=2)  # between the clocks of the node and the API server, which count whole seconds


def read_again(operator: KubernetesPodOperator, pod: Any) -> Any:
    """Read the pod again; return ``pod`` if the cluster does not answer. Raises ``PodDeleted``."""
    try:
        return operator.pod_manager.read_pod(pod)
    except (ApiException, KubernetesApiException) as failure:
        if getattr(failure, "status", None) != 404:
            return pod
        operator._read_pod_events(pod, reraise=False)
        raise PodDeleted(DELETED) from None


def check_deleted(operator: KubernetesPodOperator, pod: Any) -> None:
    """Raise ``PodDeleted`` if the deletion was requested before the container ended."""
    if pod.metadata.deletion_timestamp is None:
        return
    grace = timedelta(seconds=pod.metadata.deletion_grace_period_seconds or 0)
    status: Any = get_container_status(pod, operator.base_container_name)
    ended = status.state.terminated.finished_at if status and status.state.terminated else None
    if ended is None or ended >= pod.metadata.deletion_timestamp - grace - _CLOCK_TOLERANCE:
        operator.patch_already_checked(pod, reraise=False)
        operator._read_pod_events(pod, reraise=False)
        disruptions = [one for one in pod.status.conditions or () if one.type == "DisruptionTarget"]
        raise PodDeleted("".join([DELETED, *(f" ({one.reason}: {one.message})" for one in disruptions)]))


def check_killed(operator: KubernetesPodOperator, name: str, namespace: str) -> None:
    """Raise ``PodDeleted`` if an event shows that the container of a pod that is gone was told to stop."""
    pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name=name, namespace=namespace))
    container = f"{{{operator.base_container_name}}}"
    with suppress(ApiException, KubernetesApiException):  # without events it is a success, as for Airflow's operator
        for event in operator.pod_manager.read_pod_events(pod).items:
            if event.reason == "Killing" and container in str(event.involved_object.field_path):
                raise PodDeleted(DELETED)


def explain_missing_pod(operator: KubernetesPodOperator, failure: BaseException) -> BaseException:
    """Return ``PodDeleted`` if ``failure`` happened because the pod is gone, else ``failure`` itself."""
    if isinstance(failure, KnownFailure):
        return failure
    if isinstance(failure, PodNotFoundException) or (_is_not_found(failure) and _is_gone(operator)):
        return PodDeleted(DELETED)
    return failure


def _is_not_found(failure: BaseException | None) -> bool:
    """Return whether ``failure`` was caused by a response with status 404."""
    while failure is not None:
        if isinstance(failure, ApiException) and failure.status == 404:
            return True
        failure = failure.__cause__ or failure.__context__
    return False


def _is_gone(operator: KubernetesPodOperator) -> bool:
    try:
        return operator.pod is not None and not operator.pod_manager.read_pod(operator.pod)
    except ApiException as failure:
        return bool(failure.status == 404)
