"""The validation of an API server, with its messages. ``check`` raises one 422 with all causes."""

from __future__ import annotations

import re
from typing import Any

from ..objects.quantity import parse
from ..objects.store import Object
from .errors import Cause, bad_request, invalid
from .pod_validation import pod_causes

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
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


def check(kind: str, resource: str, obj: Object) -> None:
    """Check an object before it is stored. Raises a 422 with all causes."""
    meta = obj["metadata"]
    causes = list(_metadata(meta))
    if resource == "pods":
        causes += pod_causes(obj.get("spec") or {})
    if resource == "jobs":
        template = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
        causes += [
            Cause(c.reason, c.message, c.field.replace("spec.", "spec.template.spec.", 1)) for c in pod_causes(template)
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
