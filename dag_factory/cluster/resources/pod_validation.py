"""The validation of pods, with the messages of an API server."""

from __future__ import annotations

import re
from typing import Any

from ..objects.quantity import parse
from ..objects.store import Object
from .errors import Cause, invalid

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_ENV_TEXT = "a valid environment variable name must consist only of printable ASCII characters other than '='"


def pod_causes(spec: dict[str, Any]) -> list[Cause]:
    """The problems of a pod's spec."""
    causes: list[Cause] = []
    volumes = [volume.get("name", "") for volume in spec.get("volumes") or []]
    for index, name in enumerate(volumes):
        if name in volumes[:index]:
            causes.append(Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"spec.volumes[{index}].name"))
    for index, volume in enumerate(spec.get("volumes") or []):
        causes += _claim_name(f"spec.volumes[{index}]", volume)
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


def _claim_name(where: str, volume: dict[str, Any]) -> list[Cause]:
    """A claim's name becomes the name of a folder, so it must not lead elsewhere."""
    claim = volume.get("persistentVolumeClaim")
    if not isinstance(claim, dict):
        return []
    name, field = claim.get("claimName") or "", f"{where}.persistentVolumeClaim.claimName"
    if not name:
        return [Cause("FieldValueRequired", "Required value", field)]
    if not isinstance(name, str) or not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name):
        return [Cause("FieldValueInvalid", f'Invalid value: "{name}": {_SUBDOMAIN_TEXT}', field)]
    return []


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
