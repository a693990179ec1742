"""The validation of an API server, with its messages. ``check`` raises one 422 with all causes."""

from __future__ import annotations

import re
from typing import Any

from ..objects.store import Object
from .decoding import Decoded, decode
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

_MAX_DATA = 1024 * 1024  # bytes


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
    if resource in ("configmaps", "secrets"):
        causes += _size(resource, obj)
    if causes:
        raise invalid(kind, meta.get("name", ""), causes)


def _size(resource: str, obj: Object) -> list[Cause]:
    """The limit of the real API server: it stores no larger object."""
    texts, encoded = ("stringData", "data") if resource == "secrets" else ("data", "binaryData")
    size = sum(len(value.encode()) for value in (obj.get(texts) or {}).values())
    size += sum(len(value) * 3 // 4 for value in (obj.get(encoded) or {}).values())
    if size <= _MAX_DATA:
        return []
    text = f"Too long: may not be more than {_MAX_DATA} bytes"
    return [Cause("FieldValueTooLong", text, "data" if resource == "secrets" else "[]")]


def check_shape(kind: str, body: Any) -> Decoded:
    """The body as an object with metadata. Raises a 400 for another kind or a value of a wrong type."""
    given = body.get("kind") if isinstance(body, dict) else None
    if given and given != kind:
        raise bad_request(
            f'the object provided is unrecognized (must be of type {kind}): kind "{given}" does not match the request'
        )
    decoded = decode(kind, body)
    decoded.object.setdefault("metadata", {})
    return decoded


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
