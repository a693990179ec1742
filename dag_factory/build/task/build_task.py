"""A job as a ``PodOperator``, Airflow's ``KubernetesPodOperator`` with ends of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, TaskGroup

from dag_factory.build.pages.task_page import task_page
from dag_factory.build.pod.arguments import container_arguments, pod_arguments, with_marks
from dag_factory.build.pod.overlay import apply_overlay
from dag_factory.build.task import mapped_task
from dag_factory.build.task.assets import asset
from dag_factory.build.worker.callbacks.eager_polling import EagerPolling
from dag_factory.build.worker.callbacks.pod_guard import PodGuard
from dag_factory.build.worker.callbacks.render_containers import RenderContainers, has_templates
from dag_factory.build.worker.callbacks.worker_stop import CheckWorker
from dag_factory.build.worker.callbacks.xcom_sidecar import XcomSidecarCallback
from dag_factory.build.worker.operator import PodOperator
from dag_factory.build.worker.skip_condition import SkipCondition
from dag_factory.build.worker.stopped_pipeline import FailStopped
from dag_factory.config import model

# What Kubernetes' clock allows where a job says nothing. The operator's 120 s for both is short of what a
# cluster needs to add a node, and a node to pull an image with a whole framework in it.
SCHEDULE_TIMEOUT = 15 * 60  # until a node takes the pod, in seconds
STARTUP_TIMEOUT = 10 * 60  # from there until the container runs, in seconds
LOGGING_INTERVAL = 10  # of a deferred job, in seconds

_EAGER_POLLING = EagerPolling()
_RENDER_CONTAINERS = RenderContainers()
_CHECK_WORKER = CheckWorker()


def build_task(
    pipeline: model.Pipeline,
    job: model.Job,
    dag: DAG,
    group: TaskGroup | None = None,
    source: BaseOperator | mapped_task.Task | None = None,
    pages: bool = True,
) -> mapped_task.Task:
    """The task of one job, added to ``dag``, in ``group`` if there is one; its edges are the caller's.

    ``source`` is the task whose output is the list of a job that runs for each item of it; ``pages`` False leaves
    out what people read about it.
    """
    arguments = {"dag": dag, "task_group": group, **_arguments(pipeline, job)}
    if pages:
        arguments["doc_md"] = task_page(job)
    if job.for_each:
        return mapped_task.expand(job.for_each, arguments, source)
    if job.mapped_group:
        arguments |= mapped_task.instance_arguments(pipeline.groups[job.mapped_group])
    return PodOperator(**arguments)


def _arguments(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    arguments = {
        **container_arguments(job),
        **pod_arguments(pipeline, job),
        **_cluster(pipeline, job),
        **_times(job),
        **_weight(pipeline, job),
        **_for_the_one_on_call(job),
    }
    return dict(
        task_id=job.name,
        owner=owner(pipeline),
        depends_on_past=pipeline.depends_on_past,
        trigger_rule=job.trigger_rule,
        pre_execute=_before(pipeline, job),
        pool=job.pool or job.flavor.pool or "default_pool",
        pool_slots=job.pool_slots,
        do_xcom_push=job.output,
        deferrable=job.deferrable,
        inlets=[asset(one) for one in job.inlets],
        outlets=[asset(one) for one in job.outlets],
        **with_marks(apply_overlay(arguments, job) if job.pod else arguments),
    )


def _before(pipeline: model.Pipeline, job: model.Job) -> FailStopped | SkipCondition | None:
    """What a task calls before it runs."""
    if pipeline.stopped:
        return FailStopped(pipeline.stopped)
    return SkipCondition(job.when) if job.when is not None else None


def owner(pipeline: model.Pipeline) -> str:
    """Who answers for the pipeline, as Airflow writes several: its team where it names nobody."""
    return ", ".join(pipeline.owner) or pipeline.team or "airflow"


def _cluster(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    cluster = pipeline.cluster
    arguments: dict[str, Any] = {"startup_check_interval_seconds": cluster.startup_check_interval}
    if cluster.kubernetes_conn_id is not None:
        arguments["kubernetes_conn_id"] = cluster.kubernetes_conn_id
    if cluster.in_cluster is not None:
        arguments["in_cluster"] = cluster.in_cluster
    sidecar = [XcomSidecarCallback(cluster.xcom_sidecar)] if cluster.xcom_sidecar and job.output else []
    # Rendered first: whoever checks the pod has to see what the cluster will see.
    rendering = [_RENDER_CONTAINERS] if (job.init_containers or job.pod) and has_templates(job) else []
    # The guard comes last: it checks the pod as the others leave it.
    arguments["callbacks"] = [*rendering, _CHECK_WORKER, _EAGER_POLLING, *sidecar, PodGuard(job, pipeline.guards)]
    return arguments


def _times(job: model.Job) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "retries": job.retries.count,
        "schedule_timeout_seconds": job.schedule_timeout or SCHEDULE_TIMEOUT,
        "startup_timeout_seconds": job.startup_timeout or STARTUP_TIMEOUT,
    }
    if job.timeout is not None:
        arguments["execution_timeout"] = timedelta(seconds=job.timeout)
        # The operator leaves a pod that `keep_pod` keeps running when its time is up, and no worker may be left
        # to end it: so the cluster does, counting from the pod's own start.
        arguments["active_deadline_seconds"] = job.timeout
    if job.retries.delay is not None:
        arguments["retry_delay"] = timedelta(seconds=job.retries.delay)
    if job.retries.backoff == "exponential":
        arguments["retry_exponential_backoff"] = 2.0  # each wait is twice the one before
    if job.retries.max_delay is not None:
        arguments["max_retry_delay"] = timedelta(seconds=job.retries.max_delay)
    return arguments


def _weight(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if job.priority_weight is not None:
        arguments["priority_weight"] = job.priority_weight
    if "priority_weight" in pipeline.guards.bounds:
        # Airflow adds the weights of all tasks that follow, by which a long pipeline goes before all others.
        arguments["weight_rule"] = "absolute"
    return arguments


def _for_the_one_on_call(job: model.Job) -> dict[str, Any]:
    return {
        "get_logs": True,
        # Without it a deferred job shows no line of log before its end.
        "logging_interval": LOGGING_INTERVAL if job.deferrable else None,
        "log_events_on_failure": True,
        # The pod as a whole, pages of it, would stand between the reader and the reason ...
        "log_pod_spec_on_failure": False,
        # ... which is the container's message, or else its last lines of log.
        "termination_message_policy": "FallbackToLogsOnError",
        "container_name_log_prefix_enabled": False,
    }
