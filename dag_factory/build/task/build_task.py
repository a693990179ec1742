"""Build the task of a job: a ``PodOperator`` with its arguments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, TaskGroup

from dag_factory.build.alerts.callbacks import AlertCallbacks
from dag_factory.build.pages.task_page import task_page
from dag_factory.build.pages.wording import operator_name
from dag_factory.build.pod.arguments import container_arguments, escape_arguments, pod_arguments
from dag_factory.build.pod.overlay import apply_overlay
from dag_factory.build.task import mapped_task
from dag_factory.build.task.assets import asset
from dag_factory.build.worker.callbacks.eager_polling import EagerPolling
from dag_factory.build.worker.callbacks.label_flavor import LabelFlavor
from dag_factory.build.worker.callbacks.pod_guard import PodGuard
from dag_factory.build.worker.callbacks.render_containers import RenderContainers, has_templates
from dag_factory.build.worker.callbacks.task_links import PushLinks, extra_links
from dag_factory.build.worker.callbacks.worker_stop import CheckWorker
from dag_factory.build.worker.callbacks.xcom_sidecar import XcomSidecarCallback
from dag_factory.build.worker.operator import PodOperator
from dag_factory.build.worker.retry_policy import RETRY_POLICY
from dag_factory.build.worker.skip_condition import SkipCondition
from dag_factory.build.worker.stopped_pipeline import FailStopped
from dag_factory.build.worker.tries.task_job import TaskJob
from dag_factory.config import model
from dag_factory.config.project.deleted import DELETED

# Defaults in seconds. The operator's own default of 120 s for both timeouts is too short for a cluster that adds a
# node, and for a node that pulls a large image.
SCHEDULE_TIMEOUT = 15 * 60  # until a node accepts the pod
STARTUP_TIMEOUT = 10 * 60  # from then until the container runs
LOGGING_INTERVAL = 10  # of a deferred job

_EAGER_POLLING = EagerPolling()
_RENDER_CONTAINERS = RenderContainers()
_CHECK_WORKER = CheckWorker()
_NO_LINKS = model.Links()
_LABEL_FLAVOR = LabelFlavor()


def build_task(
    pipeline: model.Pipeline,
    job: model.Job,
    dag: DAG,
    group: TaskGroup | None = None,
    source: BaseOperator | mapped_task.Task | None = None,
    with_docs: bool = True,
    alerts: AlertCallbacks | None = None,
) -> mapped_task.Task:
    """Add the task of one job to ``dag``, in ``group`` if there is one. The caller adds the edges.

    If the job runs once per item of a list, ``source`` is the task whose output is the list. Without ``with_docs`` the
    task has no documentation page.
    """
    arguments = {"dag": dag, "task_group": group, **_arguments(pipeline, job)}
    if alerts:
        arguments |= alerts.of_task(job)
    if with_docs:
        arguments["doc_md"] = task_page(job, pipeline)
    if job.for_each:
        mapped = mapped_task.expand(job.for_each, arguments, source)
        # Airflow copies the name from the class when it creates the mapped task, and stores it from here.
        mapped._operator_name = operator_name(job)
        if pipeline.links != _NO_LINKS:
            mapped.operator_extra_links = extra_links(pipeline.links)
        return mapped
    if job.mapped_group:
        arguments |= mapped_task.instance_arguments(pipeline.groups[job.mapped_group])
    task = PodOperator(**arguments)
    task.custom_operator_name = operator_name(job)
    if pipeline.links != _NO_LINKS:
        task.operator_extra_links = extra_links(pipeline.links)
    return task


def _arguments(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    arguments = {
        **container_arguments(job),
        **pod_arguments(pipeline, job),
        **_cluster(pipeline, job),
        **_times(job),
        **_weight(pipeline, job),
        **_logging(job),
    }
    return dict(
        task_id=job.name,
        owner=owner(pipeline),
        depends_on_past=pipeline.depends_on_past,
        trigger_rule=job.trigger_rule,
        pre_execute=_pre_execute(pipeline, job),
        pool=job.pool or job.flavor.pool or "default_pool",
        pool_slots=job.pool_slots,
        do_xcom_push=job.output,
        deferrable=job.deferrable,
        job=TaskJob(job, pipeline.file),
        inlets=[asset(one) for one in job.inlets],
        outlets=[asset(one) for one in job.outlets],
        **escape_arguments(apply_overlay(arguments, job) if job.pod else arguments),
    )


def _pre_execute(pipeline: model.Pipeline, job: model.Job) -> FailStopped | SkipCondition | None:
    """Return what the task calls before it runs."""
    # A teardown of a deleted pipeline runs: otherwise what it deletes would be left behind.
    if pipeline.stopped and not (job.teardown_of and all(one.code == DELETED for one in pipeline.stopped)):
        return FailStopped(pipeline.stopped, job)
    return SkipCondition(job.when) if job.when is not None else None


def owner(pipeline: model.Pipeline) -> str:
    """Return the pipeline's owners, separated as Airflow does; the team if the pipeline names no owner."""
    return ", ".join(pipeline.owner) or pipeline.team or "airflow"


def _cluster(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    cluster = pipeline.cluster
    arguments: dict[str, Any] = {
        "startup_check_interval_seconds": cluster.startup_check_interval,
        "fail_waiting_after": cluster.fail_waiting_after,
    }
    if cluster.kubernetes_conn_id is not None:
        arguments["kubernetes_conn_id"] = cluster.kubernetes_conn_id
    if cluster.in_cluster is not None:
        arguments["in_cluster"] = cluster.in_cluster
    sidecar = [XcomSidecarCallback(cluster.xcom_sidecar)] if cluster.xcom_sidecar and job.output else []
    links = [PushLinks(pipeline.links, pipeline.file, job.line)] if pipeline.links != _NO_LINKS else []
    # Rendering comes before the rest: later callbacks must check the pod that the cluster will get.
    jobs = (job, *(one.job for one in job.larger_flavors if one.job)) if job.larger_flavors else (job,)
    is_rendered = any((one.init_containers or one.pod) and has_templates(one) for one in jobs)
    rendering = [_RENDER_CONTAINERS] if is_rendered else []
    # The guard comes last: it checks the pod after all other changes.
    last = [*sidecar, _LABEL_FLAVOR, PodGuard(job, pipeline.guards)]
    arguments["callbacks"] = [*links, *rendering, _CHECK_WORKER, _EAGER_POLLING, *last]
    return arguments


def _times(job: model.Job) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "retries": job.retries.count,
        "retry_policy": RETRY_POLICY if job.retries.count else None,
        "schedule_timeout_seconds": job.schedule_timeout or SCHEDULE_TIMEOUT,
        "startup_timeout_seconds": job.startup_timeout or STARTUP_TIMEOUT,
    }
    if job.timeout is not None:
        arguments["execution_timeout"] = timedelta(seconds=job.timeout)
        # After a timeout the operator leaves a pod running that `keep_pod` keeps, and there may be no worker left to
        # stop it. So the cluster stops it, counting from the start of the pod.
        arguments["active_deadline_seconds"] = job.timeout
    if job.retries.delay is not None:
        arguments["retry_delay"] = timedelta(seconds=job.retries.delay)
    if job.retries.backoff == "exponential":
        arguments["retry_exponential_backoff"] = 2.0  # each delay is twice the one before
    if job.retries.max_delay is not None:
        arguments["max_retry_delay"] = timedelta(seconds=job.retries.max_delay)
    return arguments


def _weight(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if job.priority_weight is not None:
        arguments["priority_weight"] = job.priority_weight
    if "priority_weight" in pipeline.guards.bounds:
        # By default Airflow adds the weights of all downstream tasks, so that a long pipeline gets ahead of all others.
        arguments["weight_rule"] = "absolute"
    return arguments


def _logging(job: model.Job) -> dict[str, Any]:
    return {
        "get_logs": True,
        # Without it a deferred job shows no log before it ends.
        "logging_interval": LOGGING_INTERVAL if job.deferrable else None,
        # The verdict contains what matters of the pod, its containers and its events.
        "log_events_on_failure": False,
        "log_events_on_startup": False,
        "log_pod_spec_on_failure": False,
        "termination_message_policy": "FallbackToLogsOnError",
        "container_name_log_prefix_enabled": False,
    }
