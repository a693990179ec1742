"""The references of a pod: every secret, claim, service account, node, label and so on that its JSON names.

Each reference has the kind of its allow-list, the parts that patterns match, and its path in the pod. If a field
means any value (such as a toleration without a value), its part is `ANY`, which only `*` matches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.model import Fragment
from dag_factory.config.positions import KeyPath

ANY = "\ue000" * 300
FACTORY_LABELS = "dagwright/"
AIRFLOW_LABELS = frozenset(
    "dag_id task_id run_id map_index try_number kubernetes_pod_operator airflow_version "
    "airflow_kpo_in_cluster already_checked".split()
)
"""Labels that the operator sets; the schema reserves their names."""

_SECRETS_STORE = "secrets-store.csi.k8s.io"
_SECRET_KEYS = ("secretRef", "nodePublishSecretRef")  # of a volume's source: `{name: ...}`
_LOCAL_VOLUMES = frozenset("configMap downwardAPI emptyDir hostPath image projected secret".split())
_SPEC_NAMES = {
    "priorityClassName": "priority_classes",
    "runtimeClassName": "runtime_classes",
    "schedulerName": "schedulers",
}


class Reference(msgspec.Struct, frozen=True):
    """One use of something outside the pod; ``shown`` is the text for messages.

    ``parts`` are a name; or a key and a value; or the key, value and effect of a toleration. They are None if no
    pattern can allow the reference.
    """

    kind: str
    parts: tuple[str, ...] | None
    path: KeyPath
    shown: str


def references(pod: Fragment) -> Iterator[Reference]:
    """Every reference of a pod, those of the pod as a whole first."""
    spec = _map(pod.get("spec"))
    yield from _metadata(_map(pod.get("metadata")))
    yield from _pod(spec)
    yield from _nodes(spec)
    for index, volume in enumerate(_list(spec.get("volumes"))):
        yield from _volume(_map(volume), spec, ("spec", "volumes", index))
    for key in ("containers", "initContainers"):
        for index, container in enumerate(_list(spec.get(key))):
            yield from _variables(_map(container), ("spec", key, index))


def named_reference(kind: str, name: str) -> Reference:
    """The reference to a preset by its name, or to a template by ``name@v1``."""
    template, _, version = name.partition("@")
    return Reference(kind, (template, version) if kind == "templates" else (name,), (), name)


def service_account(spec: Fragment) -> tuple[str, KeyPath]:
    """The service account of a pod, and the path that sets it; `default` if nothing sets it."""
    for key in ("serviceAccountName", "serviceAccount"):  # the second is the deprecated name of the first
        if spec.get(key):
            return str(spec[key]), ("spec", key)
    return "default", ("spec",)


def _metadata(metadata: Fragment) -> Iterator[Reference]:
    for kind in ("labels", "annotations"):
        for key, value in _map(metadata.get(kind)).items():
            if kind == "labels" and (key.startswith(FACTORY_LABELS) or key in AIRFLOW_LABELS):
                continue
            yield _pair(kind, key, value, ("metadata", kind, key))


def _pod(spec: Fragment) -> Iterator[Reference]:
    name, path = service_account(spec)
    yield _name("service_accounts", name, path)
    other = spec.get("serviceAccount")
    if other and other != name:
        yield _name("service_accounts", other, ("spec", "serviceAccount"))
    for key, kind in _SPEC_NAMES.items():
        if spec.get(key):
            yield _name(kind, spec[key], ("spec", key))
    for index, item in enumerate(_list(spec.get("imagePullSecrets"))):
        yield _name("pull_secrets", _map(item).get("name"), ("spec", "imagePullSecrets", index, "name"))
    for index, item in enumerate(_list(spec.get("resourceClaims"))):  # devices, which pods may share
        for key in ("resourceClaimName", "resourceClaimTemplateName"):
            if claim := _map(item).get(key):
                yield _name("claims", f"resource:{claim}", ("spec", "resourceClaims", index, key))


def _nodes(spec: Fragment) -> Iterator[Reference]:
    for key, value in _map(spec.get("nodeSelector")).items():
        yield _pair("node_selectors", key, value, ("spec", "nodeSelector", key))
    affinity = _map(_map(spec.get("affinity")).get("nodeAffinity"))
    above: KeyPath = ("spec", "affinity", "nodeAffinity")
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    for index, term in enumerate(_list(_map(affinity.get(required)).get("nodeSelectorTerms"))):
        yield from _term(_map(term), (*above, required, "nodeSelectorTerms", index))
    for index, item in enumerate(_list(affinity.get(preferred))):
        yield from _term(_map(_map(item).get("preference")), (*above, preferred, index, "preference"))
    for index, item in enumerate(_list(spec.get("tolerations"))):
        yield _toleration(_map(item), ("spec", "tolerations", index))
    if spec.get("nodeName"):  # the scheduler never sees such a pod
        for kind in ("node_selectors", "tolerations", "schedulers"):
            yield Reference(kind, None, ("spec", "nodeName"), f"nodeName: {spec['nodeName']}")


def _term(term: Fragment, path: KeyPath) -> Iterator[Reference]:
    """A node selector term. An expression that excludes nodes selects all others, so its value is any value."""
    for key in ("matchExpressions", "matchFields"):
        for index, item in enumerate(_list(term.get(key))):
            expression = _map(item)
            values = _list(expression.get("values")) if expression.get("operator") == "In" else [None]
            for value in values:
                yield _pair("node_selectors", str(expression.get("key") or ""), value, (*path, key, index))


def _toleration(item: Fragment, path: KeyPath) -> Reference:
    key, effect = item.get("key"), item.get("effect")
    value = None if item.get("operator") == "Exists" else str(item.get("value") or "")
    shown = f"{key or '*'}={'*' if value is None else value}:{effect or '*'}"
    # Without a key it tolerates every taint, and no pattern can allow that.
    parts = (str(key), ANY if value is None else value, str(effect or ANY)) if key else None
    return Reference("tolerations", parts, path, shown)


def _volume(volume: Fragment, spec: Fragment, path: KeyPath) -> Iterator[Reference]:
    for kind, source in volume.items():
        if kind == "name" or not isinstance(source, dict):
            continue
        source_path = (*path, kind)
        if kind == "secret":
            yield _name("secrets", source.get("secretName"), (*source_path, "secretName"))
        elif kind == "configMap":
            yield _name("config_maps", source.get("name"), (*source_path, "name"))
        elif kind == "persistentVolumeClaim":
            yield _name("claims", source.get("claimName"), (*source_path, "claimName"))
        elif kind == "projected":
            yield from _projected(source, spec, source_path)
        elif kind == "ephemeral":
            yield from _ephemeral(source, source_path)
        elif kind == "csi" and source.get("driver") == _SECRETS_STORE:
            provider_class = _map(source.get("volumeAttributes")).get("secretProviderClass")
            yield _name("secrets", provider_class, (*source_path, "volumeAttributes", "secretProviderClass"))
        elif kind not in _LOCAL_VOLUMES:
            yield _name("claims", f"{kind}:{source.get('driver') or ''}", source_path)
        yield from _secrets_of_volume(source, source_path)


def _secrets_of_volume(source: Fragment, path: KeyPath) -> Iterator[Reference]:
    for key in _SECRET_KEYS:
        if isinstance(source.get(key), dict):
            yield _name("secrets", source[key].get("name"), (*path, key, "name"))
    if "secretName" in source and path[-1] != "secret":
        yield _name("secrets", source["secretName"], (*path, "secretName"))


def _projected(source: Fragment, spec: Fragment, path: KeyPath) -> Iterator[Reference]:
    for index, item in enumerate(_list(source.get("sources"))):
        for kind, fields in _map(item).items():
            source_path = (*path, "sources", index, kind)
            if kind == "secret":
                yield _name("secrets", _map(fields).get("name"), (*source_path, "name"))
            elif kind == "configMap":
                yield _name("config_maps", _map(fields).get("name"), (*source_path, "name"))
            elif kind == "serviceAccountToken":  # a token of the pod's own account, for any audience
                yield _name("service_accounts", service_account(spec)[0], source_path)


def _ephemeral(source: Fragment, path: KeyPath) -> Iterator[Reference]:
    """A claim that exists as long as the pod, and the source of its content."""
    source_path = (*path, "volumeClaimTemplate", "spec")
    claim = _map(_map(source.get("volumeClaimTemplate")).get("spec"))
    yield _name("claims", f"ephemeral:{claim.get('storageClassName') or ''}", source_path)
    for key in ("dataSource", "dataSourceRef"):
        origin = _map(claim.get(key))
        if origin:
            kind = str(origin.get("kind") or "")
            name = str(origin.get("name") or "")
            text = name if kind == "PersistentVolumeClaim" and not origin.get("namespace") else f"{kind}:{name}"
            yield _name("claims", text, (*source_path, key, "name"))
    if claim.get("volumeName"):
        yield _name("claims", f"volume:{claim['volumeName']}", (*source_path, "volumeName"))


def _variables(container: Fragment, path: KeyPath) -> Iterator[Reference]:
    kinds = {"secretKeyRef": "secrets", "configMapKeyRef": "config_maps"}
    for index, item in enumerate(_list(container.get("env"))):
        for key, source in _map(_map(item).get("valueFrom")).items():
            if key in kinds:
                yield _name(kinds[key], _map(source).get("name"), (*path, "env", index, "valueFrom", key, "name"))
    kinds = {"secretRef": "secrets", "configMapRef": "config_maps"}
    for index, item in enumerate(_list(container.get("envFrom"))):
        for key, source in _map(item).items():
            if key in kinds:
                yield _name(kinds[key], _map(source).get("name"), (*path, "envFrom", index, key, "name"))


def _name(kind: str, name: Any, path: KeyPath) -> Reference:
    text = str(name or "")
    return Reference(kind, (text,), path, text)


def _pair(kind: str, key: str, value: Any, path: KeyPath) -> Reference:
    """A key with its value; None means any value."""
    shown = f"{key}={'*' if value is None else value}"
    return Reference(kind, (key, ANY if value is None else str(value)), path, shown)


def _map(value: Any) -> Fragment:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
