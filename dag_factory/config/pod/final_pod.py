"""The pod of one try, in Kubernetes' own JSON: what the operator asks the cluster for.

Guards look at this pod, so it holds everything: the flavor with its cards, native sidecars, the ``pod:`` overlay
and Airflow's XCom sidecar. ``{{ }}`` is not rendered. Airflow adds only names: the pod's own, with a random
suffix, and the labels that identify the task instance.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath
from typing import Any

from dag_factory.config.model import Cluster, EnvVar, Flavor, ForEach, Fragment, Job, Volume, XcomSidecar
from dag_factory.config.pod.strategic_merge import apply_patch

BASE = "base"  # the operator's name for the container that runs the job
XCOM = "airflow-xcom-sidecar"  # the operator's name for the container that reads the output
SHM = "dev-shm"
ITEM_TEXT = "{{ item | as_text }}"
"""The item as the value of a variable: text as it is, everything else as JSON."""

_MANY = (list, dict)
_XCOM_REQUESTS = {"cpu": "1m", "memory": "10Mi"}  # the operator's own, where nobody sets `resources`
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
"""The fields of the pod's spec that a job's key sets, with the key."""


def final_pod(job: Job, cluster: Cluster) -> Fragment:
    """The pod of a job on a cluster. The labels that the factory and Airflow add are not in it."""
    return assemble_pod(job, xcom_sidecar(cluster.xcom_sidecar) if job.output else None, cluster.namespace)


def assemble_pod(job: Job, sidecar: Fragment | None, namespace: str | None = None) -> Fragment:
    """The same with ``sidecar`` as the container that reads the output."""
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
        "containers": [_base(job)],
        "volumes": list(_volumes(job)),
        "restartPolicy": "Never",
        **{field: _value(getattr(job, key)) for field, key in SPEC_KEYS.items()},
        "imagePullSecrets": [{"name": name} for name in job.image_pull_secrets],
    }
    return {"metadata": _set(metadata), "spec": _set(spec)}


def xcom_sidecar(settings: XcomSidecar | None) -> Fragment:
    """Airflow's container for the output; without ``image`` where only the connection or the provider knows it."""
    said = settings or XcomSidecar()
    container = {
        "name": XCOM,
        "image": said.image,
        "command": _XCOM_COMMAND,
        "volumeMounts": [_XCOM_MOUNT],
        "resources": said.resources or {"requests": _XCOM_REQUESTS},
        "securityContext": said.security_context,
    }
    return _set(container)


def flavor_resources(flavor: Flavor) -> Fragment:
    """The requests and limits of the job's own container, cards included."""
    cards = {flavor.gpu_resource: str(flavor.gpu_count)} if flavor.gpu_count else {}
    return _set({"requests": {**flavor.requests, **cards}, "limits": {**flavor.limits, **cards}})


def item_variable(each: ForEach | None) -> tuple[EnvVar, ...]:
    """The variable that holds the item, if one does."""
    return (EnvVar(name=each.variable, value=ITEM_TEXT),) if each and each.variable else ()


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


def _base(job: Job) -> Fragment:
    container = {
        "name": BASE,
        "image": job.image,
        "command": list(job.command or ()),
        "args": list(job.args or ()),
        "workingDir": job.working_dir,
        "ports": list(job.ports),
        "env": [_variable(one) for one in (*job.env, *(item_variable(job.for_each)))],
        "envFrom": [
            _set(
                {
                    "prefix": one.prefix,
                    "secretRef" if one.kind == "secret" else "configMapRef": {"name": one.name},
                }
            )
            for one in job.env_from
        ],
        "resources": flavor_resources(job.flavor),
        "volumeMounts": list(_mounts(job)),
        "imagePullPolicy": job.image_pull_policy,
        "securityContext": job.security_context,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return _set(container)


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
    for name, volume in {one.name: one for one in job.volumes}.items():
        yield {"name": name, **_source(volume)}
    yield from flavor_volumes(job)


def _source(volume: Volume) -> Fragment:
    if volume.kind == "empty_dir":
        return {"emptyDir": _set({"medium": volume.medium, "sizeLimit": volume.size})}
    kind, key = _SOURCES[volume.kind]
    return {kind: {key: volume.source}}


def _mounts(job: Job) -> Iterator[Fragment]:
    for one in job.volumes:
        mount = {"name": one.name, "mountPath": one.mount_path, "subPath": one.sub_path}
        yield _set({**mount, "readOnly": one.read_only or None})
    yield from flavor_mounts(job)


def _value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _set(fields: Fragment) -> Fragment:
    """The fields that have a value; Kubernetes reads an empty list or map as none."""
    return {key: value for key, value in fields.items() if value or not (value is None or isinstance(value, _MANY))}
