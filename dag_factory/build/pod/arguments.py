"""The arguments of the operator that describe a job's pod and its container."""

from __future__ import annotations

from typing import Any

from kubernetes.client import models as k8s

from dag_factory.build.pod import client_objects
from dag_factory.config import model
from dag_factory.config.expressions.dollar_signs import escape_rendered
from dag_factory.config.pod.final_pod import BASE, item_variable
from dag_factory.config.pod.labels import pod_labels
from dag_factory.config.pod.names import pod_name

_ON_FINISH = {"never": "delete_pod", "on_failure": "delete_succeeded_pod", "always": "keep_pod"}


def container_arguments(job: model.Job) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "image": job.image,
        "cmds": list(job.command or ()),
        "arguments": list(job.args or ()),
        "env_vars": client_objects.env_vars((*job.env, *item_variable(job.for_each))),
        "env_from": client_objects.env_from(job.env_from),
        "container_resources": client_objects.resources(job.flavor),
        "volumes": client_objects.volumes(job),
        "volume_mounts": client_objects.mounts(job),
        "image_pull_policy": job.image_pull_policy,
    }
    if job.ports:
        arguments["ports"] = [client_objects.from_fragment("V1ContainerPort", one) for one in job.ports]
    if job.security_context:
        arguments["container_security_context"] = client_objects.from_fragment(
            "V1SecurityContext", job.security_context
        )
    if job.working_dir:
        # The operator has no argument for it, but merges its container over this one.
        container = client_objects.make(k8s.V1Container, name=BASE, working_dir=job.working_dir)
        spec = client_objects.make(k8s.V1PodSpec, containers=[container])
        arguments["full_pod_spec"] = client_objects.make(k8s.V1Pod, spec=spec)
    return arguments


def pod_arguments(pipeline: model.Pipeline, job: model.Job) -> dict[str, Any]:
    return {
        "name": pod_name(pipeline.id, job.name),
        "namespace": pipeline.cluster.namespace,
        "labels": pod_labels(pipeline, job),
        **spec_arguments(job),
    }


def spec_arguments(job: model.Job) -> dict[str, Any]:
    """Return the arguments for the pod that depend only on the job: all but its identity."""
    arguments: dict[str, Any] = {
        "annotations": dict(job.annotations),
        "node_selector": dict(job.node_selector),
        "service_account_name": job.service_account,
        "priority_class_name": job.priority_class,
        "runtime_class_name": job.runtime_class,
        "termination_grace_period": job.termination_grace,
        "on_finish_action": _ON_FINISH[job.keep_pod],
    }
    if job.tolerations:
        arguments["tolerations"] = [client_objects.from_fragment("V1Toleration", one) for one in job.tolerations]
    if job.affinity:
        arguments["affinity"] = client_objects.from_fragment("V1Affinity", job.affinity)
    if job.pod_security_context:
        arguments["security_context"] = client_objects.from_fragment("V1PodSecurityContext", job.pod_security_context)
    if job.host_aliases:
        arguments["host_aliases"] = [client_objects.from_fragment("V1HostAlias", one) for one in job.host_aliases]
    if job.init_containers:
        arguments["init_containers"] = [client_objects.from_fragment("V1Container", one) for one in job.init_containers]
    if job.image_pull_secrets:
        arguments["image_pull_secrets"] = [
            client_objects.make(k8s.V1LocalObjectReference, name=name) for name in job.image_pull_secrets
        ]
    return arguments


def escape_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments so that Kubernetes does not expand a ``$(...)`` that ``{{ }}`` renders to."""
    found: dict[str, Any] = {
        name: [escape_rendered(text) for text in arguments[name]] for name in ("cmds", "arguments") if name in arguments
    }
    env = arguments.get("env_vars") or {}
    if isinstance(env, dict):
        return {**arguments, **found, "env_vars": {name: escape_rendered(value) for name, value in env.items()}}
    for variable in env:
        variable.value = variable.value and escape_rendered(variable.value)
    return {**arguments, **found}
