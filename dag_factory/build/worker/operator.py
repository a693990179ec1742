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
from functools import cached_property, partial
from typing import Any, NoReturn

import msgspec
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.utils.container import (
    container_is_completed,
    container_is_running,
    container_is_succeeded,
    get_container_status,
)
from airflow.providers.cncf.kubernetes.utils.pod_manager import OnFinishAction, PodPhase
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)

from dag_factory.build.worker.callbacks import worker_stop
from dag_factory.build.worker.errors import (
    ContainerFailed,
    RunTimedOut,
    TimedOut,
    WorkerStopped,
)
from dag_factory.build.worker.job_output import check_output
from dag_factory.build.worker.pod_manager import JobPodManager
from dag_factory.build.worker.pod_trigger import ERROR, PodTrigger
from dag_factory.build.worker.pods import deletion, earlier_pods, end_pod
from dag_factory.build.worker.tries import flavor_of_try, task_timeout
from dag_factory.build.worker.tries.await_start import await_start
from dag_factory.build.worker.tries.climb_advice import climb_advice
from dag_factory.build.worker.tries.end import end_success, end_try, lines_to_show
from dag_factory.build.worker.tries.evidence import collect, failure_of, read, without_pod
from dag_factory.build.worker.tries.run_timeout import find_run_timeout
from dag_factory.build.worker.tries.start_watch import FAIL_WAITING_AFTER, Limits
from dag_factory.build.worker.tries.task_job import TaskJob
from dag_factory.build.worker.tries.template_faults import FAULTS, bad_template
from dag_factory.build.worker.tries.trigger_failures import failure_of_event, failure_of_trigger
from dag_factory.config.model import Job
from dag_factory.verdicts.evidence.model import Evidence


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
            self._evidence = end_pod.delete_unwatched(self, context, partial(self._collect, failure=failure))
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
            deletion.check_killed(self, name, namespace)
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
                remote_pod = deletion.read_again(self, remote_pod)
            if self._cause is not None or not container_is_succeeded(remote_pod, self.base_container_name):
                self._evidence = self._collect(remote_pod, self._cause)
            deletion.check_deleted(self, remote_pod)
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
        earlier_pods.prepare(self, self._model, context, pod_request_obj.metadata.namespace, check_worker)
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
            value = check_output(self, self.pod_manager, result, context)
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
        failure = WorkerStopped() if self._killed else deletion.explain_missing_pod(self, failure)
        if isinstance(failure, WorkerStopped):
            failure = find_run_timeout(context) or failure
        pod = self.remote_pod or self.pod
        evidence = self._evidence or self._collect(pod, failure)
        limit = failure.seconds if isinstance(failure, RunTimedOut) else evidence.timeout
        evidence = msgspec.structs.replace(evidence, failure=failure_of(failure, limit))
        if isinstance(failure, (AirflowTaskTimeout, TimedOut)) and pod is not None:
            end_pod.stop(self, pod)
        self._finish_try(context)
        lines: Sequence[str] = ()
        groups = 1
        if self._has_begun:
            lines = lines_to_show(failure, evidence, self.pod_manager.last_lines)
            groups = self.pod_manager.open_groups if pod is not None else 0
        advise = partial(climb_advice, context, self.job) if self.job else None
        raise end_try(
            context, self._model, evidence, failure, lines, log=self.log, open_groups=groups, advise=advise
        ) from None

    def _collect(self, pod: Any, failure: BaseException | None) -> Evidence:
        try:
            if pod is not None:  # without a pod, the client may be what failed
                return collect(self.client, pod, self._model, failure, self.pod_manager.last_lines)
        except Exception:
            self.log.exception("Cannot read the pod of this try.")
        return without_pod(self._model, failure)

    def _finish_try(self, context: Any) -> None:
        """Remove everything that the next try would mistake for its own."""
        if self._killed:
            end_pod.delete_killed(self)
        end_pod.forget(context)
