"""The pod of one try, as the Kubernetes JSON that the operator sends to the cluster.

The guards check this pod, so it contains everything: the flavor with its GPUs, sidecars, the ``pod:`` overlay, and
Airflow's XCom sidecar. ``{{ }}`` is not rendered. Airflow adds only the name of the pod, with a random suffix, and
the labels that identify the task instance.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from posixpath import normpath
from typing import Any

from dag_factory.config.model import Cluster, EnvFrom, EnvVar, Flavor, ForEach, Fragment, Job, Volume, XcomSidecar
from dag_factory.config.pod.strategic_merge import apply_patch

BASE = "base"  # the operator's name for the container that runs the job
XCOM = "airflow-xcom-sidecar"  # the operator's name for the container that reads the output
SHM = "dev-shm"
ITEM_TEXT = "{{ item | as_text }}"
"""The item of `for_each` as the value of a variable: text as it is, any other value as JSON."""

_EMPTY = (list, dict)  # types whose empty value means no value
_XCOM_REQUESTS = {"cpu": "1m", "memory": "10Mi"}  # the operator's default
_XCOM_MOUNT = {"name": "xcom", "mountPath": "/airflow/xcom"}
_XCOM_COMMAND = ["sh", "-c", 'trap "exit 0" INT; while true; do sleep 1; done;']
_SOURCES = {
    "pvc": ("persistentVolumeClaim", "claimName"),
    "secret": ("secret", "secretName"),
    "config_map": ("configMap", "name"),
    "host_path": ("hostPath", "path"),
}

SPEC_KEYS = {
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "hostAliases": "host_aliases",
    "imagePullSecrets": "image_pull_secrets",
    "serviceAccountName": "service_account",
    "securityContext": "pod_security_context",
    "priorityClassName": "priority_class",
    "runtimeClassName": "runtime_class",
    "activeDeadlineSeconds": "timeout",
    "terminationGracePeriodSeconds": "termination_grace",
}
"""The fields of the pod's spec that are set by one key of the job, with this key."""
_spec_values = attrgetter(*SPEC_KEYS.values())
CONTAINER_KEYS = {
    "image": "docker_image",
    "command": "command",
    "args": "args",
    "workingDir": "working_dir",
    "ports": "ports",
    "env": "env",
    "envFrom": "env_from",
    "resources": "resource_flavor",
    "volumeMounts": "volumes",
    "imagePullPolicy": "image_pull_policy",
    "securityContext": "security_context",
}
"""The fields of the job's own container, with the key of the job that sets them."""


def final_pod(job: Job, cluster: Cluster) -> Fragment:
    """The pod of a job on a cluster, without the labels that the factory and Airflow add."""
    return assemble_pod(job, xcom_sidecar(cluster.xcom_sidecar) if job.output else None, cluster.namespace)


def assemble_pod(job: Job, sidecar: Fragment | None, namespace: str | None = None) -> Fragment:
    """The pod with ``sidecar`` as the container that reads the output; without one if it is None."""
    pod = apply_patch(pod_without_overlay(job), job.pod) if job.pod else pod_without_overlay(job)
    if namespace:
        pod["metadata"] = {"namespace": namespace, **pod.get("metadata", {})}
    if sidecar:
        spec = pod["spec"]
        first, *others = spec["containers"]
        first = {**first, "volumeMounts": [_XCOM_MOUNT, *first.get("volumeMounts", ())]}
        volumes = [{"name": "xcom", "emptyDir": {}}, *spec.get("volumes", ())]
        pod["spec"] = {**spec, "containers": [first, *others, sidecar], "volumes": volumes}
    return pod


def pod_without_overlay(job: Job) -> Fragment:
    """The pod without the overlay and without Airflow's sidecar."""
    metadata = {"labels": job.labels, "annotations": job.annotations}
    spec = {
        "initContainers": list(job.init_containers),
        "containers": [_main_container(job)],
        "volumes": list(_volumes(job)),
        "restartPolicy": "Never",
        **dict(zip(SPEC_KEYS, map(_to_json, _spec_values(job)), strict=True)),
        "imagePullSecrets": [{"name": name} for name in job.image_pull_secrets],
    }
    return {"metadata": _without_empty(metadata), "spec": _without_empty(spec)}


def xcom_sidecar(settings: XcomSidecar | None) -> Fragment:
    """Airflow's container for the output. Without ``image``, the connection or the provider sets the image."""
    own = settings or XcomSidecar()
    container = {
        "name": XCOM,
        "image": own.image,
        "command": _XCOM_COMMAND,
        "volumeMounts": [_XCOM_MOUNT],
        "resources": own.resources or {"requests": _XCOM_REQUESTS},
        "securityContext": own.security_context,
    }
    return _without_empty(container)


def flavor_resources(flavor: Flavor) -> Fragment:
    """The requests and limits of the job's own container, including GPUs."""
    gpus = {flavor.gpu_resource: str(flavor.gpu_count)} if flavor.gpu_count else {}
    return _without_empty({"requests": {**flavor.requests, **gpus}, "limits": {**flavor.limits, **gpus}})


def item_variable(for_each: ForEach | None) -> tuple[EnvVar, ...]:
    """The variable that contains the item, or nothing if there is none."""
    return (EnvVar(name=for_each.variable, value=ITEM_TEXT),) if for_each and for_each.variable else ()


def flavor_volumes(job: Job) -> list[Fragment]:
    """The volumes that the flavor adds to the pod."""
    if not _has_shm(job):
        return []
    return [{"name": SHM, "emptyDir": {"medium": "Memory", "sizeLimit": job.flavor.shm}}]


def flavor_mounts(job: Job) -> list[Fragment]:
    """The mounts of these volumes in the job's own container."""
    return [{"name": SHM, "mountPath": "/dev/shm"}] if _has_shm(job) else []


def _has_shm(job: Job) -> bool:
    """Whether the flavor's shared memory is mounted; a volume of the job at ``/dev/shm`` replaces it."""
    return job.flavor.shm is not None and all(normpath(volume.mount_path) != "/dev/shm" for volume in job.volumes)


def _main_container(job: Job) -> Fragment:
    container = {
        "name": BASE,
        "image": job.image,
        "command": list(job.command or ()),
        "args": list(job.args or ()),
        "workingDir": job.working_dir,
        "ports": list(job.ports),
        "env": [_variable(variable) for variable in (*job.env, *item_variable(job.for_each))],
        "envFrom": [_env_source(source) for source in job.env_from],
        "resources": flavor_resources(job.flavor),
        "volumeMounts": list(_mounts(job)),
        "imagePullPolicy": job.image_pull_policy,
        "securityContext": job.security_context,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return _without_empty(container)


def _env_source(source: EnvFrom) -> Fragment:
    reference = "secretRef" if source.kind == "secret" else "configMapRef"
    return _without_empty({"prefix": source.prefix, reference: {"name": source.name}})


def _variable(variable: EnvVar) -> Fragment:
    if variable.value is not None:
        return {"name": variable.name, "value": variable.value}
    if variable.secret:
        source = {"secretKeyRef": {"name": variable.secret.name, "key": variable.secret.key}}
    elif variable.config_map:
        source = {"configMapKeyRef": {"name": variable.config_map.name, "key": variable.config_map.key}}
    else:
        source = {"fieldRef": {"fieldPath": variable.field or ""}}
    return {"name": variable.name, "valueFrom": source}


def _volumes(job: Job) -> Iterator[Fragment]:
    for name, volume in {volume.name: volume for volume in job.volumes}.items():
        yield {"name": name, **_source(volume)}
    yield from flavor_volumes(job)


def _source(volume: Volume) -> Fragment:
    if volume.kind == "empty_dir":
        return {"emptyDir": _without_empty({"medium": volume.medium, "sizeLimit": volume.size})}
    kind, key = _SOURCES[volume.kind]
    return {kind: {key: volume.source}}


def _mounts(job: Job) -> Iterator[Fragment]:
    for volume in job.volumes:
        mount = {"name": volume.name, "mountPath": volume.mount_path, "subPath": volume.sub_path}
        yield _without_empty({**mount, "readOnly": volume.read_only or None})
    yield from flavor_mounts(job)


def _to_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _without_empty(fields: Fragment) -> Fragment:
    """The fields without null, empty lists and empty maps, which mean the same to Kubernetes as a missing field."""
    return {key: value for key, value in fields.items() if value or not (value is None or isinstance(value, _EMPTY))}
