"""The operator of every job: Airflow's pod operator with a corrected end of a try.

``KubernetesPodOperator`` (provider 10.25) reports the job of a stopped worker as a success, judges a pod by its state
at the start, and deletes it before any hook sees why it failed. The decision record `operator.md` lists what would have
to change there before this class can be removed. Nothing else belongs here: hooks around a pod's life are callbacks.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, NoReturn

import msgspec
import urllib3
from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import KubernetesApiException
from airflow.providers.cncf.kubernetes.operators.pod import POD_IDENTIFIER_STATE_KEY, KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.container import (
    container_is_completed,
    container_is_running,
    container_is_succeeded,
    get_container_status,
)
from airflow.providers.cncf.kubernetes.utils.pod_manager import OnFinishAction, PodNotFoundException, PodPhase
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)
from kubernetes.client import models as k8s
from kubernetes.client.exceptions import ApiException

from dag_factory.build.worker import outputs
from dag_factory.build.worker.callbacks import worker_stop
from dag_factory.build.worker.errors import (
    DELETED,
    ContainerFailed,
    KnownFailure,
    PodDeleted,
    PodRefused,
    RunTimedOut,
    TimedOut,
    WorkerStopped,
)
from dag_factory.build.worker.pod_manager import NO_OUTPUT, JobPodManager
from dag_factory.build.worker.pod_trigger import ERROR, PodTrigger
from dag_factory.build.worker.tries import earlier_pods, flavor_of_try, task_timeout
from dag_factory.build.worker.tries.await_start import await_start
from dag_factory.build.worker.tries.climb_advice import climb_advice
from dag_factory.build.worker.tries.end import end_success, end_try
from dag_factory.build.worker.tries.evidence import collect, failure_of, read, without_pod
from dag_factory.build.worker.tries.run_timeout import find_run_timeout
from dag_factory.build.worker.tries.start_watch import FAIL_WAITING_AFTER, Limits
from dag_factory.build.worker.tries.task_job import TaskJob
from dag_factory.build.worker.tries.template_faults import FAULTS, bad_template
from dag_factory.build.worker.tries.trigger_failures import failure_of_event, failure_of_trigger
from dag_factory.config.model import Job
from dag_factory.verdicts.evidence.model import Evidence

_CLOCK_TOLERANCE = timedelta(seconds=2)  # between the clocks of the node and the API server, which count whole seconds


class PodOperator(KubernetesPodOperator):
    """Runs one try of a job, from the creation of its pod to its end."""

    custom_operator_name: str  # what Airflow shows on the nodes of the graph; set by the builder on each task
    _reported: str | None = None  # the pod of an earlier process, once it is in the log
    _cause: BaseException | None = None  # what ended the try, before the operator cleaned up
    _evidence: Evidence | None = None  # collected before the pod is deleted
    _has_begun = False  # whether Airflow has called an entry point of the operator
    _ended: Any = None  # the pod as it was when the operator cleaned up

    def __init__(
        self, *, job: TaskJob | None = None, fail_waiting_after: int = FAIL_WAITING_AFTER, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.job = job
        self.try_job: Job | None = None  # the job with the flavor of this try, once it has started
        self.fail_waiting_after = fail_waiting_after

    @cached_property
    def pod_manager(self) -> JobPodManager:
        """Return the object that reads the log and the output of the pod."""
        return JobPodManager(kube_client=self.client, callbacks=self.callbacks)

    def execute(self, context: Any) -> Any:
        """Run the job, or defer. Return its output."""
        return self._run(partial(super().execute, context), context)

    def trigger_reentry(self, context: Any, event: dict[str, Any]) -> Any:
        """Resume after the trigger. Return the output of the job."""
        return self._run(partial(self._resume, context, event), context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Resume after the trigger, also after its failure."""
        if next_method == TRIGGER_FAIL_REPR:
            self._has_begun = True
            failure = failure_of_trigger(next_kwargs or {})
            self._use_flavor(context)
            self._delete_unwatched(context, failure)
            self._fail(failure, context)
        return super().resume_execution(next_method, next_kwargs, context)

    def render_template(self, content: Any, context: Any, *options: Any, **named: Any) -> Any:
        """Render a value. Raises ``TryFailed`` for a mistake in a template: Airflow would log a stack trace twice."""
        try:
            return super().render_template(content, context, *options, **named)
        except FAULTS as failure:
            self._fail(bad_template(content, failure), context)

    def await_pod_start(self, pod: Any) -> None:
        """Wait until the pod has started. Log what it waits for."""
        limits = Limits(self.schedule_timeout_seconds, self.startup_timeout_seconds, self.fail_waiting_after)
        interval = self.startup_check_interval_seconds
        await_start(self.pod_manager, self.client, pod, limits, interval, partial(self.log.info, "%s"))

    def defer(self, *, trigger: Any, **options: Any) -> NoReturn:
        """Defer the task, with the trigger of this project in place of the provider's."""
        arguments = trigger.serialize()[1]
        super().defer(trigger=PodTrigger(**arguments, fail_waiting_after=self.fail_waiting_after), **options)

    def _resume(self, context: Any, event: dict[str, Any]) -> Any:
        """Read the log and the output of a pod that has ended. Raises the failure that the event stands for."""
        status, name, namespace = event["status"], event["name"], event["namespace"]
        if status != "success":
            pod: Any = self.hook.get_pod(name, namespace)  # a pod that is gone is a failure
            is_over = pod.status.phase in PodPhase.terminal_states or container_is_completed(
                pod, self.base_container_name
            )
            if not is_over and status == ERROR:
                self._defer_again(context, event, pod)
            if not is_over:
                self._give_up(context, event, pod)
        # ``super()`` logs an error for every other status; ``cleanup`` finds out whether the container failed.
        result = super().trigger_reentry(context, {**event, "status": "success"})
        if self.pod is None:  # the triggerer saw the container succeed, and now the pod is gone
            self._check_killed(name, namespace)
        return result

    def _defer_again(self, context: Any, event: dict[str, Any], pod: Any) -> None:
        """Defer again after an error in the triggerer, but not too often."""
        count = event.get("_redefer_count", 0)
        if count < self.MAX_REDEFER_ATTEMPTS:
            self.log.warning("The triggerer could not watch the pod (%s). It tries again.", event["message"])
            self.pod = pod
            self.trigger_kwargs = {**(self.trigger_kwargs or {}), "_redefer_count": count + 1}
            self.invoke_defer_method(last_log_time=event.get("last_log_time"), context=context)

    def _give_up(self, context: Any, event: dict[str, Any], pod: Any) -> NoReturn:
        """End a pod that still waits or runs. Raises the reason."""
        self.pod = self.remote_pod = pod
        if container_is_running(pod, self.base_container_name):
            self._write_logs(pod, since_time=event.get("last_log_time"))
        try:
            raise failure_of_event(event)
        finally:
            self.post_complete_action(pod=pod, remote_pod=pod, context=context, result=None)

    def _write_logs(self, pod: Any, follow: bool = False, since_time: Any = None) -> None:  # type: ignore[override]
        """Copy the rest of the log of a deferred job, as the log of any other job is copied."""
        name = self.base_container_name
        status: Any = get_container_status(pod, name)
        if status is not None and (status.state.running or status.state.terminated):
            prefix = self.container_name_log_prefix_enabled
            self.pod_manager.fetch_container_logs(
                pod, name, follow=follow, since_time=since_time, container_name_log_prefix_enabled=prefix
            )

    def cleanup(self, pod: Any, remote_pod: Any, xcom_result: Any = None, context: Any = None) -> None:
        """Delete the pod unless it must be kept, and raise if the job failed.

        Everything that must be known about the pod has to be read before: afterwards the pod is gone.
        """
        self._cause = sys.exc_info()[1]
        if remote_pod and not self._killed:
            if not container_is_completed(remote_pod, self.base_container_name):
                # After an earlier failure ``execute`` has the pod only as it was at its creation.
                remote_pod = self._pod_now(remote_pod)
            if self._cause is not None or not container_is_succeeded(remote_pod, self.base_container_name):
                self._evidence = self._collect(remote_pod, self._cause)
            self._check_deleted(remote_pod)
            self._ended = remote_pod
            if self.pod_manager.unreadable and container_is_succeeded(remote_pod, self.base_container_name):
                # The container succeeded, so ``super().cleanup`` would see no failure. But the output is unusable,
                # so the try has failed.
                self.patch_already_checked(remote_pod, reraise=False)
                if self.on_finish_action == OnFinishAction.DELETE_POD:
                    self.process_pod_deletion(remote_pod, reraise=False)
                return
        try:
            super().cleanup(pod, remote_pod, xcom_result, context)
        except AirflowSkipException:
            raise
        except AirflowException:
            raise ContainerFailed from None

    def get_or_create_pod(self, pod_request_obj: Any, context: Any) -> Any:
        """Return the pod of this try: a new one, or that of an earlier try whose worker was lost."""
        check_worker = partial(worker_stop.check_worker, self)
        earlier_pods.prepare(self, context, pod_request_obj.metadata.namespace, check_worker)
        return super().get_or_create_pod(pod_request_obj, context)

    def log_matching_pod(self, pod: Any, context: Any) -> None:
        """Log the pod of an earlier process, and only once. The operator logs its own pod, too, three times."""
        name = pod.metadata.name
        requested: Any = self.pod_request_obj
        if name != self._reported and (requested is None or name != requested.metadata.name):
            self._reported = name
            super().log_matching_pod(pod, context)

    def _run(self, step: Callable[[], Any], context: Any) -> Any:
        """Run one of the entry points of the operator. Make every exit report what happened."""
        self._has_begun = True
        try:
            task_timeout.raise_without_log()
            worker_stop.check_worker(self)
            self._use_flavor(context)
            result = step()
            worker_stop.check_worker(self)
            value = self._check_output(result, context)
        except TaskDeferred:
            # From here on the triggerer watches the pod. It may be so quick that another process runs the task already
            # and Airflow stops this one, whose ``on_kill`` must not delete the pod.
            pod, self.pod = self.pod, None
            if not self._killed:
                raise  # the try continues, so the identity of the pod is still needed
            self.pod = pod
            self._fail(WorkerStopped(), context)
        except (AirflowSkipException, AirflowRescheduleException):
            self._finish_try(context)
            raise
        except (Exception, AirflowTaskTimeout) as failure:
            self._fail(self._cause or failure, context)
        self._finish_try(context)
        end_success(context, self._model, read(self._ended), self.log)
        return value

    @property
    def _model(self) -> Job | None:
        """Return the job with the flavor of this try."""
        return self.try_job or (self.job.model if self.job else None)

    def _use_flavor(self, context: Any) -> None:
        """Use a larger flavor if an earlier try ran out of memory."""
        if self.job is None or self.try_job is not None:
            return
        own = self.job.model
        self.try_job = flavor_of_try.job_of_try(own, context)
        if self.try_job is not own:
            self.log.info("%s", flavor_of_try.raised_text(own, self.try_job))
            flavor_of_try.use_flavor(self, own, self.try_job, context)

    def _fail(self, failure: BaseException, context: Any) -> NoReturn:
        """End a failed try with its verdict. Raises ``TryFailed``, or the exception that repeats the try."""
        with suppress(ValueError):  # not in the main thread
            signal.setitimer(signal.ITIMER_REAL, 0)  # a timeout from here on would hide the verdict
        failure = self._known(failure)
        if isinstance(failure, WorkerStopped):
            failure = find_run_timeout(context) or failure
        pod = self.remote_pod or self.pod
        evidence = self._evidence or self._collect(pod, failure)
        limit = failure.seconds if isinstance(failure, RunTimedOut) else evidence.timeout
        evidence = msgspec.structs.replace(evidence, failure=failure_of(failure, limit))
        if isinstance(failure, (AirflowTaskTimeout, TimedOut)) and pod is not None:
            self._stop(pod)
        self._finish_try(context)
        lines: Sequence[str] = ()
        groups = 1
        if self._has_begun:
            lines = self._lines_to_show(failure, evidence)
            groups = self.pod_manager.open_groups if pod is not None else 0
        advise = partial(climb_advice, context, self.job) if self.job else None
        raise end_try(
            context, self._model, evidence, failure, lines, log=self.log, open_groups=groups, advise=advise
        ) from None

    def _lines_to_show(self, failure: BaseException, evidence: Evidence) -> Sequence[str]:
        """Return the lines that belong above the verdict and are not there yet."""
        if isinstance(failure, PodRefused):
            lines = str(failure).splitlines()
            return lines if len(lines) > 2 else ()
        is_logged = not evidence.log or tuple(self.pod_manager.last_lines) == evidence.log
        return () if is_logged else evidence.log

    def _collect(self, pod: Any, failure: BaseException | None) -> Evidence:
        try:
            if pod is not None:  # without a pod, the client may be what failed
                return collect(self.client, pod, self._model, failure, self.pod_manager.last_lines)
        except Exception:
            self.log.exception("Cannot read the pod of this try.")
        return without_pod(self._model, failure)

    def _stop(self, pod: Any) -> None:
        """End a pod that may still run after a timeout."""
        metadata = pod.metadata
        with suppress(ApiException, urllib3.exceptions.HTTPError):
            self.patch_already_checked(pod, reraise=False)
            if self.on_finish_action == OnFinishAction.DELETE_POD:
                self.pod_manager.delete_pod(pod)
            else:  # the pod must be kept, so the cluster ends its containers
                deadline = {"spec": {"activeDeadlineSeconds": 1}}
                self.client.patch_namespaced_pod(metadata.name, metadata.namespace, deadline)

    def _known(self, failure: BaseException) -> BaseException:
        """Return the failure that explains ``failure``, or ``failure`` itself."""
        if self._killed:
            return WorkerStopped()
        if not isinstance(failure, KnownFailure) and (
            isinstance(failure, PodNotFoundException) or (_is_not_found(failure) and self._is_gone())
        ):
            return PodDeleted(DELETED)
        return failure

    def _finish_try(self, context: Any) -> None:
        """Remove everything that the next try would mistake for its own."""
        if self._killed and self.pod is not None:
            metadata: Any = self.pod.metadata
            # The pod may take some time to end, and the operator of the next try takes over any pod without this mark.
            checked = {"metadata": {"labels": {self.POD_CHECKED_KEY: "True"}}}
            with suppress(ApiException, urllib3.exceptions.HTTPError):
                self.client.patch_namespaced_pod(metadata.name, metadata.namespace, checked)
            with suppress(ApiException, urllib3.exceptions.HTTPError):
                self.pod_manager.delete_pod(self.pod)  # ``on_kill`` did, unless it failed or knew no pod
        if (store := context.get("task_state_store")) is not None:
            with suppress(Exception):  # a failure only costs the next try a line in its log
                store.delete(POD_IDENTIFIER_STATE_KEY)

    def _pod_metadata(self, context: Any) -> Any:
        return self.build_pod_request_obj(context).metadata

    def _delete_unwatched(self, context: Any, failure: BaseException) -> None:
        """Delete the pod of a try whose trigger failed: nothing watches it, and the next try would take it over."""
        try:
            pod = self._get_pod_from_task_state_store(context)
            if pod is None:
                namespace = self.namespace or self._pod_metadata(context).namespace
                pod = self.find_pod(namespace, context)
            if pod is not None:
                self._evidence = self._collect(pod, failure)
                self.patch_already_checked(pod, reraise=False)
                self.pod_manager.delete_pod(pod)
        except Exception:
            self.log.exception("Cannot delete the pod of this try, and nothing watches the pod any more.")

    def _check_output(self, result: Any, context: Any) -> Any:
        """Return the output of the job, after checking that the jobs that map over it can use it."""
        if not self.do_xcom_push:
            return result
        # If ``execute`` finds a finished pod of a deferrable job, it reads the output but does not return it.
        value = self.pod_manager.output if result is None else result
        if value is NO_OUTPUT and self.pod is None:  # gone before the task resumed
            raise PodDeleted("the pod was deleted before its output was read, by somebody or together with its node")
        ti = context["ti"]
        runners = () if ti.map_index is not None and ti.map_index >= 0 else self._runners()
        if value is NO_OUTPUT:
            outputs.check_exists(runners)
            return None
        outputs.check_items(value, runners, conf.getint("core", "max_map_length", fallback=1024))
        if value is None:  # Airflow does not store a None that a task returns
            ti.xcom_push(BaseXCom.XCOM_RETURN_KEY, None)
            ti.xcom_push(outputs.NULL_KEY, True)
        return value

    def _runners(self) -> tuple[str, ...]:
        """Return the jobs that map over the output of this job."""
        return tuple(sorted(one.node_id for one in self.iter_mapped_dependants()))

    def _pod_now(self, pod: Any) -> Any:
        """Read the pod again; return ``pod`` if the cluster does not answer. Raises ``PodDeleted``."""
        try:
            return self.pod_manager.read_pod(pod)
        except (ApiException, KubernetesApiException) as failure:
            if getattr(failure, "status", None) != 404:
                return pod
            self._read_pod_events(pod, reraise=False)
            raise PodDeleted(DELETED) from None

    def _check_deleted(self, pod: Any) -> None:
        """Raise ``PodDeleted`` if the deletion was requested before the container ended.

        The exit code does not matter: a container that exits with 0 when it is told to stop has not done its work.
        """
        if pod.metadata.deletion_timestamp is None:
            return
        grace = timedelta(seconds=pod.metadata.deletion_grace_period_seconds or 0)
        status: Any = get_container_status(pod, self.base_container_name)
        ended = status.state.terminated.finished_at if status and status.state.terminated else None
        if ended is None or ended >= pod.metadata.deletion_timestamp - grace - _CLOCK_TOLERANCE:
            self.patch_already_checked(pod, reraise=False)
            self._read_pod_events(pod, reraise=False)
            disruptions = [one for one in pod.status.conditions or () if one.type == "DisruptionTarget"]
            raise PodDeleted("".join([DELETED, *(f" ({one.reason}: {one.message})" for one in disruptions)]))

    def _check_killed(self, name: str, namespace: str) -> None:
        """Raise ``PodDeleted`` if an event shows that the container of a deleted pod was told to stop."""
        pod = k8s.V1Pod(metadata=k8s.V1ObjectMeta(name=name, namespace=namespace))
        with suppress(ApiException, KubernetesApiException):  # without events it is a success, as for the operator
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


def _is_not_found(failure: BaseException | None) -> bool:
    """Return whether ``failure`` was caused by a response with status 404."""
    while failure is not None:
        if isinstance(failure, ApiException) and failure.status == 404:
            return True
        failure = failure.__cause__ or failure.__context__
    return False
