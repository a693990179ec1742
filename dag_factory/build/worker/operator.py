"""The operator of every job: Airflow's pod operator, which ends a try differently.

``KubernetesPodOperator`` (provider 10.25) calls the job of a stopped worker a success, reports the pod as it was when
it began, and deletes it before any hook sees why it failed. The decision record `operator.md` says what would have to
change there, so that this class can go. Nothing else belongs here: the hooks around a pod's life are callbacks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

import urllib3
from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import KubernetesApiException
from airflow.providers.cncf.kubernetes.operators.pod import POD_IDENTIFIER_STATE_KEY, KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.container import (
    container_is_completed,
    container_is_succeeded,
    get_container_status,
)
from airflow.providers.cncf.kubernetes.utils.pod_manager import OnFinishAction, PodNotFoundException
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, TaskDeferralError, TaskDeferralTimeout, TaskDeferred
from kubernetes.client import models as k8s
from kubernetes.client.exceptions import ApiException

from dag_factory.build.worker import outputs
from dag_factory.build.worker.callbacks import worker_stop
from dag_factory.build.worker.pod_manager import NO_OUTPUT, JobPodManager


class PodDeleted(AirflowException):
    """Somebody else deleted the pod before the job was over."""


_CLOCK_TOLERANCE = timedelta(seconds=2)  # the node's and the API server's; both count whole seconds

DELETED = "the pod was deleted while it ran, by somebody or with its node"


class PodOperator(KubernetesPodOperator):
    """One try of a job, from its pod to its end."""

    _reported: str | None = None  # the pod of an earlier process that the log names

    @cached_property
    def pod_manager(self) -> JobPodManager:
        """What reads the pod's log and output."""
        return JobPodManager(kube_client=self.client, callbacks=self.callbacks)

    def execute(self, context: Any) -> Any:
        """Run the job, or defer. Returns its output."""
        return self._run(partial(super().execute, context), context)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """Come back from the triggerer. Returns the job's output."""

        def step() -> Any:
            result = super(PodOperator, self).trigger_reentry(context, event)
            if self.pod is None:  # the triggerer saw the container end well, and the pod has gone since
                self._check_killed(event["name"], event["namespace"])
            return result

        return self._run(step, context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Come back from the triggerer, whatever happened there."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout):
            self._delete_unwatched(context)
            raise

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Delete the pod where it is not to be kept, and raise where the job has failed.

        What is to be known of the pod must be known before: afterwards it is gone.
        """
        if remote_pod and not self._killed:
            if not container_is_completed(remote_pod, self.base_container_name):
                # After a failure on the way ``execute`` knows the pod only as it was when it was created.
                remote_pod = self._pod_now(remote_pod)
            self._check_deleted(remote_pod)
            if self.pod_manager.unreadable and container_is_succeeded(remote_pod, self.base_container_name):
                # The container did well, so the operator would find no failure, and keep or delete the pod accordingly.
                self.patch_already_checked(remote_pod, reraise=False)
                if self.on_finish_action == OnFinishAction.DELETE_POD:
                    self.process_pod_deletion(remote_pod, reraise=False)
                return
        super().cleanup(pod, remote_pod, xcom_result, context)

    def log_matching_pod(self, pod: Any, context: Any) -> None:
        """Report a pod of an earlier process, once; the operator looks three times for the pod that it has."""
        name = pod.metadata.name
        requested: Any = self.pod_request_obj
        if name != self._reported and (requested is None or name != requested.metadata.name):
            self._reported = name
            super().log_matching_pod(pod, context)

    def _run(self, step: Callable[[], Any], context: Any) -> Any:
        """Take one of the ways into the operator, and make each way out say what happened."""
        try:
            worker_stop.check_worker(self)
            result = step()
            worker_stop.check_worker(self)
            value = self._checked_output(result, context)
        except TaskDeferred:
            if not self._killed:
                raise  # the try goes on: the pod's identity is still needed
            self._leave(context)
            raise worker_stop.WorkerStopped from None
        except Exception as failure:
            self._leave(context)
            if (reason := self._reason(failure)) is not None:
                raise reason from None
            raise
        except BaseException:  # a timeout
            self._leave(context)
            raise
        self._leave(context)
        return value

    def _reason(self, failure: Exception) -> Exception | None:
        """What to report in place of ``failure`` and of all that led to it; None where it says enough itself."""
        if self._killed:
            return worker_stop.WorkerStopped()
        if isinstance(failure, (PodDeleted, outputs.OutputError)):
            return failure
        if isinstance(failure, PodNotFoundException) or (_says_not_found(failure) and self._is_gone()):
            return PodDeleted(DELETED)
        return None

    def _leave(self, context: Any) -> None:
        """Leave nothing behind that the next try would take for its own."""
        if self._killed and self.pod is not None:
            metadata: Any = self.pod.metadata
            # It may take its time to end, and the operator takes over any pod that is not marked so.
            checked = {"metadata": {"labels": {self.POD_CHECKED_KEY: "True"}}}
            with suppress(ApiException, urllib3.exceptions.HTTPError):
                self.client.patch_namespaced_pod(metadata.name, metadata.namespace, checked)
            with suppress(ApiException, urllib3.exceptions.HTTPError):
                self.pod_manager.delete_pod(self.pod)  # ``on_kill`` has, unless it could not or knew of no pod
        if (store := context.get("task_state_store")) is not None:
            with suppress(Exception):  # costs the next try a line in its log
                store.delete(POD_IDENTIFIER_STATE_KEY)

    def _pod_metadata(self, context: Any) -> Any:
        return self.build_pod_request_obj(context).metadata

    def _delete_unwatched(self, context: Any) -> None:
        """Delete the pod of a try whose trigger failed: nothing watches it, and the next try would take it over."""
        try:
            pod = self._get_pod_from_task_state_store(context)
            if pod is None:
                namespace = self.namespace or self._pod_metadata(context).namespace
                pod = self.find_pod(namespace, context)
            if pod is not None:
                self.patch_already_checked(pod, reraise=False)
                self.pod_manager.delete_pod(pod)
        except Exception:
            self.log.exception("The pod of this try could not be deleted, and nothing watches it any more.")
        self._leave(context)

    def _checked_output(self, result: Any, context: Any) -> Any:
        """The job's output, when those who read it can."""
        if not self.do_xcom_push:
            return result
        # The way through ``execute`` that finds a finished pod of a deferrable job drops what it has read.
        value = self.pod_manager.output if result is None else result
        if value is NO_OUTPUT and self.pod is None:  # gone before the task came back from the triggerer
            raise PodDeleted("the pod was deleted before its output was read, by somebody or with its node")
        ti = context["ti"]
        runners = () if ti.map_index is not None and ti.map_index >= 0 else self._runners()
        if value is NO_OUTPUT:
            outputs.check_exists(runners)
            return None
        outputs.check_items(value, runners, conf.getint("core", "max_map_length", fallback=1024))
        if value is None:  # Airflow stores no None that a task returns
            ti.xcom_push(BaseXCom.XCOM_RETURN_KEY, None)
            ti.xcom_push(outputs.NULL_KEY, True)
        return value

    def _runners(self) -> tuple[str, ...]:
        """The jobs that run for each item of this job's output."""
        return tuple(sorted(one.node_id for one in self.iter_mapped_dependants()))

    def _pod_now(self, pod: Any) -> Any:
        """The pod as the cluster has it; as it was where the cluster does not answer. Raises ``PodDeleted``."""
        try:
            return self.pod_manager.read_pod(pod)
        except (ApiException, KubernetesApiException) as failure:
            if getattr(failure, "status", None) != 404:
                return pod
            self._read_pod_events(pod, reraise=False)
            raise PodDeleted(DELETED) from None

    def _check_deleted(self, pod: Any) -> None:
        """Raise ``PodDeleted`` where the deletion was asked for before the container had ended.

        Whatever the container made of it: what ends well when it is told to end has not done its work.
        """
        if pod.metadata.deletion_timestamp is None:
            return
        grace = timedelta(seconds=pod.metadata.deletion_grace_period_seconds or 0)
        status: Any = get_container_status(pod, self.base_container_name)
        ended = status.state.terminated.finished_at if status and status.state.terminated else None
        if ended is None or ended >= pod.metadata.deletion_timestamp - grace - _CLOCK_TOLERANCE:
            self.patch_already_checked(pod, reraise=False)
            self._read_pod_events(pod, reraise=False)
            why = [one for one in pod.status.conditions or () if one.type == "DisruptionTarget"]
            raise PodDeleted("".join([DELETED, *(f" ({one.reason}: {one.message})" for one in why)]))

    def _check_killed(self, name: str, namespace: str) -> None:
        """Raise ``PodDeleted`` where an event says that the container of a pod that has gone was told to end."""
        pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name=name, namespace=namespace))
        with suppress(ApiException, KubernetesApiException):  # as the operator has it: a success
            for event in self.pod_manager.read_pod_events(pod).items:
                if event.reason == "Killing" and f"{{{self.base_container_name}}}" in str(
                    event.involved_object.field_path
                ):
                    raise PodDeleted(DELETED)

    def _is_gone(self) -> bool:
        try:
            return self.pod is not None and not self.pod_manager.read_pod(self.pod)
        except ApiException as failure:
            return bool(failure.status == 404)


def _says_not_found(failure: BaseException | None) -> bool:
    """Whether the cluster's answer 404 led to ``failure``."""
    while failure is not None:
        if isinstance(failure, ApiException) and failure.status == 404:
            return True
        failure = failure.__cause__ or failure.__context__
    return False
