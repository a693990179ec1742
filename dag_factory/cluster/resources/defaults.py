"""The fields that an API server fills in when an object is created."""

from __future__ import annotations

import base64
import copy
import random
import uuid
from typing import Any

from ..objects.quantity import parse
from ..objects.store import Object

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


def generated_name(prefix: str) -> str:
    return prefix[:58] + random_suffix()


def random_suffix() -> str:
    return "".join(random.choices(_SUFFIX, k=5))


def complete(resource: str, obj: Object) -> Object:
    """A copy of ``obj`` with the defaults of its kind."""
    obj = copy.deepcopy(obj)
    if resource == "pods":
        return complete_pod(obj)
    if resource == "secrets":
        strings = obj.pop("stringData", None) or {}
        data = {
            **(obj.get("data") or {}),
            **{k: base64.b64encode(str(v).encode()).decode() for k, v in strings.items()},
        }
        return {**obj, **({"data": data} if data else {}), "type": obj.get("type", "Opaque")}
    if resource == "namespaces":
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
        return {**obj, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    if resource == "persistentvolumeclaims":
        return complete_claim(obj)
    if resource == "jobs":
        return complete_job(obj)
    return obj


def complete_job(obj: Object) -> Object:
    """The uid is assigned here, because the job finds its pods by a label that contains it."""
    meta, spec = obj["metadata"], obj["spec"]
    meta["uid"] = str(uuid.uuid4())
    for name, value in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6), ("suspend", False)):
        spec.setdefault(name, value)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    names = ("batch.kubernetes.io/controller-uid", "controller-uid"), ("batch.kubernetes.io/job-name", "job-name")
    labels = {label: value for pair, value in zip(names, (meta["uid"], meta["name"]), strict=True) for label in pair}
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": meta["uid"]}}
    metadata = spec["template"].get("metadata") or {}
    spec["template"]["metadata"] = {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}
    meta["labels"] = {**labels, **(meta.get("labels") or {})}
    meta.setdefault("generation", 1)
    return {**obj, "status": {}}


def complete_claim(obj: Object) -> Object:
    """A claim is bound immediately, to a folder on this machine."""
    spec = obj.setdefault("spec", {})
    spec.setdefault("accessModes", ["ReadWriteOnce"])
    spec.setdefault("storageClassName", "local-folder")
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("volumeName", f"folder-{obj['metadata']['name']}")
    capacity = (spec.get("resources") or {}).get("requests") or {"storage": "1Gi"}
    obj["status"] = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": dict(capacity)}
    return obj


def complete_pod(obj: Object) -> Object:
    spec = obj["spec"]
    token_volume = f"kube-api-access-{random_suffix()}"
    volumes = [_volume(volume) for volume in spec.get("volumes") or []]
    if spec.get("automountServiceAccountToken") is not False:
        volumes.append(_token_volume(token_volume))
    if volumes:
        spec["volumes"] = volumes
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        _container(container)
        mounted = {mount["mountPath"] for mount in container.get("volumeMounts") or []}
        if spec.get("automountServiceAccountToken") is not False and TOKEN_PATH not in mounted:
            container["volumeMounts"] = [
                *(container.get("volumeMounts") or []),
                {"name": token_volume, "readOnly": True, "mountPath": TOKEN_PATH},
            ]
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    spec["tolerations"] = [*(spec.get("tolerations") or []), *_node_tolerations(spec.get("tolerations") or [])]
    spec.setdefault("priority", 0)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    obj["metadata"].setdefault("generation", 1)
    obj["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}
    return obj


def qos_class(spec: dict[str, Any]) -> str:
    """Guaranteed: every container has CPU and memory limits equal to its requests. BestEffort: no container has any."""
    seen, guaranteed = False, True
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        limits, requests = (container["resources"].get(key) or {} for key in ("limits", "requests"))
        for name in ("cpu", "memory"):
            limit, request = limits.get(name), requests.get(name)
            seen = seen or bool(limit or request)
            guaranteed = guaranteed and limit is not None and (request is None or parse(request) == parse(limit))
    return "BestEffort" if not seen else "Guaranteed" if guaranteed else "Burstable"


def _container(container: dict[str, Any]) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if not container.get("imagePullPolicy"):
        image = container.get("image", "")
        tag = image.rpartition("/")[2].partition(":")[2]
        floating = "@" not in image and tag in ("", "latest")
        container["imagePullPolicy"] = "Always" if floating else "IfNotPresent"
    resources = container.setdefault("resources", {})
    limits = resources.get("limits") or {}
    if limits:
        resources["requests"] = {**limits, **(resources.get("requests") or {})}
    for entry in container.get("env") or []:
        field = (entry.get("valueFrom") or {}).get("fieldRef")
        if field is not None:
            field.setdefault("apiVersion", "v1")
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe):
            for key, value in (
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ):
                container[probe].setdefault(key, value)


def _volume(volume: dict[str, Any]) -> dict[str, Any]:
    for kind in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(kind), dict):
            volume[kind].setdefault("defaultMode", 420)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    return volume


def _token_volume(name: str) -> dict[str, Any]:
    """The projected service account volume that every pod has. It contains no token for this API: see the docs."""
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {
            "downwardAPI": {
                "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
            }
        },
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


def _node_tolerations(existing: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = [f"node.kubernetes.io/{state}" for state in ("not-ready", "unreachable")]
    return [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in keys
        if not any(t.get("key") == key and t.get("effect") in ("NoExecute", "", None) for t in existing)
    ]
