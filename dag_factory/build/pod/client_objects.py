"""Build objects of the Kubernetes client from the model.

An object of the client that gets no ``Configuration`` creates its own, which takes 0.2 ms: most of the time that a pod
operator takes to build. All objects here share one; nothing writes to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from kubernetes.client import ApiClient, Configuration
from kubernetes.client import models as k8s

from dag_factory.config import model
from dag_factory.config.pod import final_pod

_SHARED = Configuration()


def make(kind: type[Any], /, **fields: Any) -> Any:
    """Return an object of the Kubernetes client with the shared configuration. It may have a field `kind` itself."""
    return kind(local_vars_configuration=_SHARED, **fields)


def from_fragment(kind: str, value: Any) -> Any:
    """Convert a fragment in Kubernetes' camelCase to the client's object, including nested objects.

    ``kind`` is a type in the client's notation: ``V1Toleration``, ``list[V1Toleration]``.
    """
    if kind.startswith("list["):
        return [from_fragment(kind[5:-1], item) for item in value]
    if kind.startswith("dict"):
        return {key: from_fragment(kind[5:-1].partition(", ")[2], item) for key, item in value.items()}
    if kind == "str":  # a quantity may be written as a number
        return value if isinstance(value, str) else json.dumps(value)
    model_class = getattr(k8s, kind, None)
    if model_class is None:  # numbers, and ports as a number or a name
        return value
    fields = {
        field: from_fragment(model_class.openapi_types[field], value[key])
        for field, key in model_class.attribute_map.items()
        if value.get(key) is not None
    }
    return make(model_class, **fields)


@lru_cache(1)
def _client() -> ApiClient:
    return ApiClient(_SHARED)


def to_fragment(value: Any) -> Any:
    """Convert objects of the client, or lists and maps of them, to Kubernetes' JSON."""
    return _client().sanitize_for_serialization(value)


def env_vars(variables: tuple[model.EnvVar, ...]) -> dict[str, str] | list[Any]:
    """Return the operator's ``env_vars``: a map, unless a variable takes its value from another object.

    A map is cheap to build and to serialize. The operator turns it into objects when the task runs.
    """
    if all(variable.value is not None for variable in variables):
        return {variable.name: variable.value or "" for variable in variables}
    return [_variable(variable) for variable in variables]


def _variable(variable: model.EnvVar) -> Any:
    if variable.value is not None:
        return make(k8s.V1EnvVar, name=variable.name, value=variable.value)
    if variable.secret:
        ref = make(k8s.V1SecretKeySelector, name=variable.secret.name, key=variable.secret.key)
        source = make(k8s.V1EnvVarSource, secret_key_ref=ref)
    elif variable.config_map:
        ref = make(k8s.V1ConfigMapKeySelector, name=variable.config_map.name, key=variable.config_map.key)
        source = make(k8s.V1EnvVarSource, config_map_key_ref=ref)
    else:
        source = make(k8s.V1EnvVarSource, field_ref=make(k8s.V1ObjectFieldSelector, field_path=variable.field))
    return make(k8s.V1EnvVar, name=variable.name, value_from=source)


def env_from(sources: Iterable[model.EnvFrom]) -> list[Any]:
    """Return the sources that turn all keys of a secret or a config map into variables."""
    return [
        make(k8s.V1EnvFromSource, prefix=source.prefix, **_env_source(source.kind, source.name)) for source in sources
    ]


def _env_source(kind: str, name: str) -> dict[str, Any]:
    if kind == "secret":
        return {"secret_ref": make(k8s.V1SecretEnvSource, name=name)}
    return {"config_map_ref": make(k8s.V1ConfigMapEnvSource, name=name)}


def resources(flavor: model.Flavor) -> Any:
    """Return the container's requests and limits, including GPUs."""
    amounts = final_pod.flavor_resources(flavor)
    return make(k8s.V1ResourceRequirements, requests=amounts.get("requests", {}), limits=amounts.get("limits", {}))


def volumes(job: model.Job) -> list[Any]:
    """Return the pod's volumes, each only once, and the flavor's shared memory."""
    by_name = {volume.name: volume for volume in job.volumes}
    found = [make(k8s.V1Volume, name=name, **_source(volume)) for name, volume in by_name.items()]
    return found + [from_fragment("V1Volume", one) for one in final_pod.flavor_volumes(job)]


def mounts(job: model.Job) -> list[Any]:
    """Return the container's mounts of the volumes."""
    found = [
        make(
            k8s.V1VolumeMount,
            name=volume.name,
            mount_path=volume.mount_path,
            sub_path=volume.sub_path,
            read_only=volume.read_only or None,
        )
        for volume in job.volumes
    ]
    return found + [from_fragment("V1VolumeMount", one) for one in final_pod.flavor_mounts(job)]


def _source(volume: model.Volume) -> dict[str, Any]:
    if volume.kind == "pvc":
        source = make(k8s.V1PersistentVolumeClaimVolumeSource, claim_name=volume.source)
        return {"persistent_volume_claim": source}
    if volume.kind == "secret":
        return {"secret": make(k8s.V1SecretVolumeSource, secret_name=volume.source)}
    if volume.kind == "config_map":
        return {"config_map": make(k8s.V1ConfigMapVolumeSource, name=volume.source)}
    if volume.kind == "host_path":
        return {"host_path": make(k8s.V1HostPathVolumeSource, path=volume.source)}
    source = make(k8s.V1EmptyDirVolumeSource, medium=volume.medium, size_limit=volume.size)
    return {"empty_dir": source}
