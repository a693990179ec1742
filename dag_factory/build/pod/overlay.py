"""Turn a ``pod:`` overlay into arguments of the operator.

The operator's ``full_pod_spec`` has less priority than its arguments, and merges containers by position. So the
overlay is merged over the job's pod here, and the result is turned back into arguments. A field that has an argument
goes there, and the rest goes into ``full_pod_spec``, where no argument contradicts it. The operator needs no special
case: a dry run shows the final pod, templates are rendered, and a cluster policy (``pod_mutation_hook``) still comes
last.
"""

from __future__ import annotations

from typing import Any

from kubernetes.client import models as k8s

from dag_factory.build.pod import client_objects
from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE, pod_without_overlay
from dag_factory.config.pod.names import safe_label
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
"""The operator's arguments by the Kubernetes keys that they set, in this and the two maps above."""


def apply_overlay(arguments: dict[str, Any], job: Job) -> dict[str, Any]:
    """Merge the job's ``pod:`` into ``arguments``, the operator's arguments without it. Return the new arguments."""
    own = pod_without_overlay(job)
    own["metadata"]["labels"] = arguments["labels"]
    pod = apply_patch(own, _with_safe_labels(job.pod or {}))
    main, others = _split_containers(pod["spec"].pop("containers"))
    known = {*_CONTAINER.values(), *_SPEC.values(), *_METADATA.values(), "full_pod_spec"}
    result = {name: value for name, value in arguments.items() if name not in known}
    result |= {name: pod["metadata"].get(key, {}) for key, name in _METADATA.items()}
    result |= _to_arguments(main, k8s.V1Container, _CONTAINER)
    result |= _to_arguments(pod["spec"], k8s.V1PodSpec, _SPEC)
    if main.get("env") and all("valueFrom" not in variable for variable in main["env"]):
        result["env_vars"] = {variable["name"]: variable.get("value", "") for variable in main["env"]}
    # The operator itself sets `restartPolicy`.
    rest = {key: value for key, value in pod["spec"].items() if key not in (*_SPEC, "restartPolicy")}
    left = {"name": BASE, **{key: value for key, value in main.items() if key not in _CONTAINER}}
    if rest or others or len(left) > 1:
        spec = client_objects.from_fragment("V1PodSpec", {**rest, "containers": [left, *others]})
        result["full_pod_spec"] = client_objects.make(k8s.V1Pod, spec=spec)
    return result


def _with_safe_labels(overlay: Fragment) -> Fragment:
    labels = (overlay.get("metadata") or {}).get("labels")
    if not labels:
        return overlay
    safe = {name: text if text is None else safe_label(text) for name, text in labels.items()}
    return {**overlay, "metadata": {**overlay["metadata"], "labels": safe}}


def _to_arguments(fragment: Fragment, kind: type[Any], names: dict[str, str]) -> dict[str, Any]:
    types = {key: kind.openapi_types[field] for field, key in kind.attribute_map.items()}
    return {names[key]: client_objects.from_fragment(types[key], fragment[key]) for key in fragment if key in names}


def _split_containers(containers: list[Fragment]) -> tuple[Fragment, list[Fragment]]:
    """Return the job's own container and the others."""
    main = next(one for one in containers if one["name"] == BASE)
    return main, [one for one in containers if one is not main]
