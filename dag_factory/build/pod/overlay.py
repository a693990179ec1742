"""A ``pod:`` overlay as arguments of the operator.

The operator's own ``full_pod_spec`` loses against its arguments and merges containers by position. So the
overlay is merged over the job's pod here, and the result becomes arguments again: what has an argument goes
there, the rest into ``full_pod_spec``, where then nothing contradicts it. The operator stays a plain one: a
dry run shows the pod as it will be, templates are rendered, and a cluster policy (``pod_mutation_hook``)
still sees it last.
"""

from __future__ import annotations

from typing import Any

from kubernetes.client import models as k8s

from dag_factory.build.pod import client_objects
from dag_factory.build.pod.names import safe_label
from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE, pod_without_overlay
from dag_factory.config.pod.strategic_merge import apply_patch

_CONTAINER = {
    "image": "image",
    "command": "cmds",
    "args": "arguments",
    "ports": "ports",
    "imagePullPolicy": "image_pull_policy",
    "resources": "container_resources",
    "volumeMounts": "volume_mounts",
    "env": "env_vars",
    "envFrom": "env_from",
    "securityContext": "container_security_context",
    "terminationMessagePolicy": "termination_message_policy",
}
_SPEC = {
    "runtimeClassName": "runtime_class_name",
    "nodeSelector": "node_selector",
    "affinity": "affinity",
    "tolerations": "tolerations",
    "initContainers": "init_containers",
    "hostAliases": "host_aliases",
    "imagePullSecrets": "image_pull_secrets",
    "serviceAccountName": "service_account_name",
    "automountServiceAccountToken": "automount_service_account_token",
    "hostNetwork": "hostnetwork",
    "hostname": "hostname",
    "subdomain": "subdomain",
    "securityContext": "security_context",
    "dnsPolicy": "dnspolicy",
    "dnsConfig": "dns_config",
    "schedulerName": "schedulername",
    "priorityClassName": "priority_class_name",
    "volumes": "volumes",
    "activeDeadlineSeconds": "active_deadline_seconds",
    "terminationGracePeriodSeconds": "termination_grace_period",
}
_METADATA = {"labels": "labels", "annotations": "annotations"}
"""The operator's arguments by the keys of Kubernetes that they set."""


def apply_overlay(arguments: dict[str, Any], job: Job) -> dict[str, Any]:
    """The operator's arguments by which its pod is the job's final one; ``arguments`` are those without ``pod:``."""
    own = pod_without_overlay(job)
    own["metadata"]["labels"] = arguments["labels"]
    pod = apply_patch(own, _with_safe_labels(job.pod or {}))
    main, others = _divided(pod["spec"].pop("containers"))
    known = {*_CONTAINER.values(), *_SPEC.values(), *_METADATA.values(), "full_pod_spec"}
    told = {name: value for name, value in arguments.items() if name not in known}
    told |= {name: pod["metadata"].get(key, {}) for key, name in _METADATA.items()}
    told |= _told(main, k8s.V1Container, _CONTAINER)
    told |= _told(pod["spec"], k8s.V1PodSpec, _SPEC)
    if main.get("env") and all("valueFrom" not in variable for variable in main["env"]):
        told["env_vars"] = {variable["name"]: variable.get("value", "") for variable in main["env"]}
    # The operator itself sets `restartPolicy`.
    rest = {key: value for key, value in pod["spec"].items() if key not in (*_SPEC, "restartPolicy")}
    left = {"name": BASE, **{key: value for key, value in main.items() if key not in _CONTAINER}}
    if rest or others or len(left) > 1:
        spec = client_objects.from_fragment("V1PodSpec", {**rest, "containers": [left, *others]})
        told["full_pod_spec"] = client_objects.make(k8s.V1Pod, spec=spec)
    return told


def _with_safe_labels(overlay: Fragment) -> Fragment:
    labels = (overlay.get("metadata") or {}).get("labels")
    if not labels:
        return overlay
    safe = {name: text if text is None else safe_label(text) for name, text in labels.items()}
    return {**overlay, "metadata": {**overlay["metadata"], "labels": safe}}


def _told(said: Fragment, kind: type[Any], names: dict[str, str]) -> dict[str, Any]:
    types = {key: kind.openapi_types[field] for field, key in kind.attribute_map.items()}
    return {names[key]: client_objects.from_fragment(types[key], said[key]) for key in said if key in names}


def _divided(containers: list[Fragment]) -> tuple[Fragment, list[Fragment]]:
    """The job's own container and those beside it."""
    main = next(one for one in containers if one["name"] == BASE)
    return main, [one for one in containers if one is not main]
