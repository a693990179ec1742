"""A job as a ``PodOperator``, Airflow's ``KubernetesPodOperator`` with ends of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseOperator, TaskGroup
from kubernetes.client import models as k8s

from dag_factory.build import docs, kube, mapped, overlay, schedule
from dag_factory.build.last_good_stop import Stopped
from dag_factory.build.names import pod_name
from dag_factory.build.operator import PodOperator
from dag_factory.build.other_containers import RenderContainers, has_templates
from dag_factory.build.pod_guard import PodGuard
from dag_factory.build.promptness import Promptness
from dag_factory.build.stopping import Stopping
from dag_factory.build.templating import safe_label
from dag_factory.build.when import When
from dag_factory.build.xcom import XcomSidecarCallback
from dag_factory.config import model
from dag_factory.config.expressions.dollar_signs import marked
from dag_factory.config.pod.final_pod import item_variable

# What Kubernetes' clock allows where a job says nothing. The operator's 120 s for both is short of what a
# cluster needs to add a node, and a node to pull an image with a whole framework in it.
SCHEDULE_TIMEOUT = 15 * 60  # until a node takes the pod, in seconds
STARTUP_TIMEOUT = 10 * 60  # from there until the container runs, in seconds
LOGGING_INTERVAL = 10  # of a deferred job, in seconds

_PROMPTNESS = Promptness()
_RENDERING = RenderContainers()
_STOPPING = Stopping()
_ON_FINISH = {"never": "delete_pod", "on_failure": "delete_succeeded_pod", "always": "keep_pod"}


def build_task(
    pipeline: model.Pipeline,
    job: model.Job,
    dag: DAG,
    group: TaskGroup | None = None,
    source: BaseOperator | mapped.Task | None = None,
    pages: bool = True,
) -> mapped.Task:
    """The task of one job, added to ``dag``, in ``group`` if there is one; its edges are the caller's.

    ``source`` is the task whose output is the list of a job that runs for each item of it; ``pages`` False leaves
    out what people read about it.
    """
    arguments = {"dag": dag, "task_group": group, **_arguments(pipeline, job)}
    if pages:
        arguments["doc_md"] = docs.job(job)
    if job.for_each:
        return mapped.expand(job.for_each, arguments, source)
    if job.mapped_group:
        arguments |= mapped.labelled(pipeline.groups[job.mapped_group])
    return PodOperator(**arguments)


def _arguments(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    arguments = {
        **_container(job),
        **_pod(pipeline, job),
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
        inlets=[schedule.asset(one) for one in job.inlets],
        outlets=[schedule.asset(one) for one in job.outlets],
        **_with_marks(overlay.laid(arguments, job) if job.pod else arguments),
    )


def _before(pipeline: model.Pipeline, job: model.Job) -> Stopped | When | None:
    """What a task calls before it runs."""
    if pipeline.stopped:
        return Stopped(pipeline.stopped)
    return When(job.when) if job.when is not None else None


def _with_marks(arguments: dict[str, Any]) -> dict[str, Any]:
    """The operator's arguments; Kubernetes expands nothing that ``{{ }}`` brings into the container."""
    found: dict[str, Any] = {
        name: [marked(text) for text in arguments[name]] for name in ("cmds", "arguments") if name in arguments
    }
    env = arguments.get("env_vars") or {}
    if isinstance(env, dict):
        return {**arguments, **found, "env_vars": {name: marked(value) for name, value in env.items()}}
    for variable in env:
        variable.value = variable.value and marked(variable.value)
    return {**arguments, **found}


def owner(pipeline: model.Pipeline) -> str:
    """Who answers for the pipeline, as Airflow writes several: its team where it names nobody."""
    return ", ".join(pipeline.owner) or pipeline.team or "airflow"


def labels(pipeline: model.Pipeline, job: model.Job) -> dict[str, str]:
    """The pod's labels: the job's own, and the factory's, which cannot be overwritten."""
    ours = {
        "pipeline": pipeline.id,
        "job": job.name,
        "flavor": job.flavor.name,
        "environment": pipeline.environment,
        "owner": ".".join(pipeline.owner) or pipeline.team,
        "team": pipeline.team,
    }
    return {
        **{name: safe_label(value) for name, value in job.labels.items()},
        **{f"dagwright/{name}": safe_label(value) for name, value in ours.items() if value},
    }


def _container(job: model.Job) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "image": job.image,
        "cmds": list(job.command or ()),
        "arguments": list(job.args or ()),
        "env_vars": kube.env((*job.env, *item_variable(job.for_each))),
        "env_from": kube.env_from(job.env_from),
        "container_resources": kube.resources(job.flavor),
        "volumes": kube.volumes(job),
        "volume_mounts": kube.mounts(job),
        "image_pull_policy": job.image_pull_policy,
    }
    if job.ports:
        arguments["ports"] = [kube.from_fragment("V1ContainerPort", one) for one in job.ports]
    if job.security_context:
        arguments["container_security_context"] = kube.from_fragment("V1SecurityContext", job.security_context)
    if job.working_dir:
        # The operator has no argument for it. It merges its container over this one.
        container = kube.make(k8s.V1Container, name=PodOperator.BASE_CONTAINER_NAME, working_dir=job.working_dir)
        spec = kube.make(k8s.V1PodSpec, containers=[container])
        arguments["full_pod_spec"] = kube.make(k8s.V1Pod, spec=spec)
    return arguments


def _pod(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "name": pod_name(pipeline.id, job.name),
        "namespace": pipeline.cluster.namespace,
        "labels": labels(pipeline, job),
        "annotations": dict(job.annotations),
        "node_selector": dict(job.node_selector),
        "service_account_name": job.service_account,
        "priority_class_name": job.priority_class,
        "runtime_class_name": job.runtime_class,
        "termination_grace_period": job.termination_grace,
        "on_finish_action": _ON_FINISH[job.keep_pod],
    }
    if job.tolerations:
        arguments["tolerations"] = [kube.from_fragment("V1Toleration", one) for one in job.tolerations]
    if job.affinity:
        arguments["affinity"] = kube.from_fragment("V1Affinity", job.affinity)
    if job.pod_security_context:
        arguments["security_context"] = kube.from_fragment("V1PodSecurityContext", job.pod_security_context)
    if job.host_aliases:
        arguments["host_aliases"] = [kube.from_fragment("V1HostAlias", one) for one in job.host_aliases]
    if job.init_containers:
        arguments["init_containers"] = [kube.from_fragment("V1Container", one) for one in job.init_containers]
    if job.image_pull_secrets:
        arguments["image_pull_secrets"] = [
            kube.make(k8s.V1LocalObjectReference, name=name) for name in job.image_pull_secrets
        ]
    return arguments


def _cluster(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    cluster = pipeline.cluster
    arguments: dict[str, Any] = {"startup_check_interval_seconds": cluster.startup_check_interval}
    if cluster.kubernetes_conn_id is not None:
        arguments["kubernetes_conn_id"] = cluster.kubernetes_conn_id
    if cluster.in_cluster is not None:
        arguments["in_cluster"] = cluster.in_cluster
    sidecar = [XcomSidecarCallback(cluster.xcom_sidecar)] if cluster.xcom_sidecar and job.output else []
    # Rendered first: whoever checks the pod has to see what the cluster will see.
    rendering = [_RENDERING] if (job.init_containers or job.pod) and has_templates(job) else []
    # The guard comes last: it checks the pod as the others leave it.
    arguments["callbacks"] = [*rendering, _STOPPING, _PROMPTNESS, *sidecar, PodGuard(job, pipeline.guards)]
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
