"""The validation of an API server, with its messages. ``check`` raises one 422 with all causes."""

from __future__ import annotations

import re
from typing import Any

from ..objects.quantity import parse
from ..objects.store import Object
from .errors import Cause, bad_request, invalid

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_QUALIFIED = rf"({_SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_ENV_TEXT = "a valid environment variable name must consist only of printable ASCII characters other than '='"


def check(kind: str, resource: str, obj: Object) -> None:
    """Check an object before it is stored. Raises a 422 with all causes."""
    meta = obj["metadata"]
    causes = list(_metadata(meta))
    if resource == "pods":
        causes += _pod(obj.get("spec") or {})
    if resource == "jobs":
        template = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
        causes += [
            Cause(c.reason, c.message, c.field.replace("spec.", "spec.template.spec.", 1)) for c in _pod(template)
        ]
        if template.get("restartPolicy") not in ("Never", "OnFailure"):
            text = 'Required value: valid values: "OnFailure", "Never"'
            causes.append(Cause("FieldValueRequired", text, "spec.template.spec.restartPolicy"))
    if causes:
        raise invalid(kind, meta.get("name", ""), causes)


def check_shape(kind: str, obj: Any) -> Object:
    """The body as an object with metadata. Raises a 400 for values of a wrong type, as a decoder does."""
    if not isinstance(obj, dict):
        raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: json: cannot unmarshal into Go value')
    given = obj.get("kind", kind)
    if given != kind:
        raise bad_request(
            f'the object provided is unrecognized (must be of type {kind}): kind "{given}" does not match the request'
        )
    meta = obj.get("metadata") or {}
    if not isinstance(meta, dict):
        raise _unmarshal(kind, meta, "metadata", "v1.ObjectMeta")
    for name in ("labels", "annotations"):
        for value in _dict(kind, meta.get(name), f"ObjectMeta.metadata.{name}", "map[string]string").values():
            if not isinstance(value, str):
                raise _unmarshal(kind, value, f"ObjectMeta.metadata.{name}", "string")
    spec = _dict(kind, obj.get("spec"), f"{kind}.spec", f"v1.{kind}Spec")
    if kind == "Pod":
        for list_name in ("containers", "initContainers"):
            containers = spec.get(list_name) or []
            if not isinstance(containers, list) or not all(isinstance(item, dict) for item in containers):
                raise _unmarshal(kind, containers, f"PodSpec.spec.{list_name}", "[]v1.Container")
            for container in containers:
                _container_shape(kind, list_name, container)
    if kind == "Pod":  # a decoder ignores unknown fields
        obj = {key: value for key, value in obj.items() if key in ("apiVersion", "kind", "spec", "status")}
    return {**obj, "metadata": meta}


def _container_shape(kind: str, list_name: str, container: dict[str, Any]) -> None:
    for name in ("command", "args"):
        words = container.get(name) or []
        where = f"Container.spec.{list_name}.{name}"
        if not isinstance(words, list):
            raise _unmarshal(kind, words, where, "[]string")
        for word in words:
            if not isinstance(word, str):
                raise _unmarshal(kind, word, where, "string")
    for entry in container.get("env") or []:
        if isinstance(entry, dict) and not isinstance(entry.get("value", ""), (str, type(None))):
            raise _unmarshal(kind, entry["value"], f"EnvVar.spec.{list_name}.env.value", "string")
    for group in ("limits", "requests"):
        for value in ((container.get("resources") or {}).get(group) or {}).values():
            try:
                parse(value)
            except ValueError as error:
                raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: {error}') from error


def _dict(kind: str, value: Any, where: str, expected: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unmarshal(kind, value, where, expected)
    return value


def _unmarshal(kind: str, value: Any, where: str, expected: str) -> Exception:
    names = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    name = names.get(type(value), "null")
    return bad_request(
        f'{kind} in version "v1" cannot be handled as a {kind}: json: cannot unmarshal {name} into Go struct field '
        f"{where} of type {expected}"
    )


def _metadata(meta: dict[str, Any]) -> list[Cause]:
    name = meta.get("name") or ""
    if not name:
        return [Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")]
    causes = []
    if len(name) > 253:
        causes.append(
            Cause("FieldValueInvalid", f'Invalid value: "{name}": must be no more than 253 characters', "metadata.name")
        )
    if not re.fullmatch(_SUBDOMAIN, name):
        causes.append(Cause("FieldValueInvalid", f'Invalid value: "{name}": {_SUBDOMAIN_TEXT}', "metadata.name"))
    for key, value in (meta.get("labels") or {}).items():
        causes += _label(key, value)
    for key in meta.get("annotations") or {}:
        if not re.fullmatch(_QUALIFIED, key, re.IGNORECASE):
            causes.append(
                Cause("FieldValueInvalid", f'Invalid value: "{key}": {_QUALIFIED_TEXT}', "metadata.annotations")
            )
    return causes


def _label(key: str, value: str) -> list[Cause]:
    where = "metadata.labels"
    causes = []
    part = key.rpartition("/")[2]
    if not re.fullmatch(_QUALIFIED, key):
        causes.append(Cause("FieldValueInvalid", f'Invalid value: "{key}": {_QUALIFIED_TEXT}', where))
    if len(part) > 63:
        text = f'Invalid value: "{key}": name part must be no more than 63 bytes'
        causes.append(Cause("FieldValueInvalid", text, where))
    if len(value) > 63:
        causes.append(Cause("FieldValueInvalid", f'Invalid value: "{value}": must be no more than 63 bytes', where))
    if not re.fullmatch(_LABEL_VALUE, value):
        causes.append(Cause("FieldValueInvalid", f'Invalid value: "{value}": {_LABEL_VALUE_TEXT}', where))
    return causes


def _pod(spec: dict[str, Any]) -> list[Cause]:
    causes: list[Cause] = []
    volumes = [volume.get("name", "") for volume in spec.get("volumes") or []]
    for index, name in enumerate(volumes):
        if name in volumes[:index]:
            causes.append(Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"spec.volumes[{index}].name"))
    if not spec.get("containers"):
        causes.append(Cause("FieldValueRequired", "Required value", "spec.containers"))
    seen: set[str] = set()
    for list_name in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(list_name) or []):
            causes += _container(f"spec.{list_name}[{index}]", container, volumes, seen)
    policy = spec.get("restartPolicy", "Always")
    if policy not in ("Always", "OnFailure", "Never"):
        text = f'Unsupported value: "{policy}": supported values: "Always", "Never", "OnFailure"'
        causes.append(Cause("FieldValueNotSupported", text, "spec.restartPolicy"))
    for name in ("terminationGracePeriodSeconds", "activeDeadlineSeconds"):
        value = spec.get(name)
        if value is not None and (not isinstance(value, int) or value < (1 if name.startswith("active") else 0)):
            bound = (
                "must be between 1 and 2147483647, inclusive"
                if name.startswith("active")
                else "must be greater than or equal to 0"
            )
            causes.append(Cause("FieldValueInvalid", f"Invalid value: {value}: {bound}", f"spec.{name}"))
    return causes


def _container(where: str, container: dict[str, Any], volumes: list[str], seen: set[str]) -> list[Cause]:
    causes = []
    name = container.get("name") or ""
    if not name:
        causes.append(Cause("FieldValueRequired", "Required value", f"{where}.name"))
    elif not re.fullmatch(_LABEL, name):
        causes.append(Cause("FieldValueInvalid", f'Invalid value: "{name}": {_LABEL_TEXT}', f"{where}.name"))
    elif name in seen:
        causes.append(Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{where}.name"))
    seen.add(name)
    if not container.get("image"):
        causes.append(Cause("FieldValueRequired", "Required value", f"{where}.image"))
    paths: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or []):
        here = f"{where}.volumeMounts[{index}]"
        if mount.get("name") not in volumes:
            text = f'Not found: "{mount.get("name", "")}"'
            causes.append(Cause("FieldValueNotFound", text, f"{here}.name"))
        if not mount.get("mountPath"):
            causes.append(Cause("FieldValueRequired", "Required value", f"{here}.mountPath"))
        elif mount["mountPath"] in paths:
            text = f'Invalid value: "{mount["mountPath"]}": must be unique'
            causes.append(Cause("FieldValueInvalid", text, f"{here}.mountPath"))
        paths.add(mount.get("mountPath", ""))
    for index, entry in enumerate(container.get("env") or []):
        entry_name = entry.get("name") or ""
        if not entry_name:
            causes.append(Cause("FieldValueRequired", "Required value", f"{where}.env[{index}].name"))
        elif not re.fullmatch(r"[ -<>-~]+", entry_name):
            text = f'Invalid value: "{entry_name}": {_ENV_TEXT}'
            causes.append(Cause("FieldValueInvalid", text, f"{where}.env[{index}].name"))
        if entry.get("value") and entry.get("valueFrom"):
            text = 'Invalid value: "": may not be specified when `value` is not empty'
            causes.append(Cause("FieldValueInvalid", text, f"{where}.env[{index}].valueFrom"))
    return causes + _resources(where, container.get("resources") or {})


def _resources(where: str, resources: dict[str, Any]) -> list[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    causes = []
    for name, value in requests.items():
        if name in limits and parse(value) > parse(limits[name]):
            text = f'Invalid value: "{value}": must be less than or equal to {name} limit of {limits[name]}'
            causes.append(Cause("FieldValueInvalid", text, f"{where}.resources.requests"))
        elif "." in name and name not in limits:
            text = "Required value: Limit must be set for non overcommitable resources"
            causes.append(Cause("FieldValueRequired", text, f"{where}.resources.limits"))
    for group, values in (("limits", limits), ("requests", requests)):
        for name, value in values.items():
            if parse(value) < 0:
                text = f'Invalid value: "{value}": must be greater than or equal to 0'
                causes.append(Cause("FieldValueInvalid", text, f"{where}.resources.{group}[{name}]"))
    return causes


_CHANGEABLE = {"activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"}


def check_pod_update(before: Object, after: Object) -> None:
    """Raises a 422 if an update changes more of a pod's spec than images, deadlines and tolerations."""

    def immutable_part(spec: dict[str, Any]) -> dict[str, Any]:
        rest = {key: value for key, value in spec.items() if key not in _CHANGEABLE}
        for name in ("containers", "initContainers"):
            rest[name] = [{**container, "image": None} for container in spec.get(name) or []]
        return rest

    old, new = immutable_part(before["spec"]), immutable_part(after.get("spec") or {})
    if old != new:
        fields = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        text = (
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
            "negative)\n"
            f"  changed: {', '.join(fields)}\n"
        )
        raise invalid("Pod", before["metadata"]["name"], [Cause("FieldValueForbidden", text, "spec")])
