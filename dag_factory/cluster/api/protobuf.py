"""Decodes the protobuf bodies that ``kubectl create`` sends into JSON objects.

A body is ``k8s\\0``, followed by a ``runtime.Unknown`` that contains the bytes of the object. Field numbers are those
of the API's ``generated.proto`` files. Fields that are not in the tables of this module are ignored.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\0"

# Field number: (name, kind). A kind is str, int, bool or bytes (base64 in JSON), a list of one of them, a map from
# str to one of them, another table, or a tuple of "list" and a table.
_Table = dict[int, tuple[str, Any]]

_META: _Table = {
    1: ("name", "str"),
    2: ("generateName", "str"),
    3: ("namespace", "str"),
    5: ("uid", "str"),
    6: ("resourceVersion", "str"),
    11: ("labels", "map str"),
    12: ("annotations", "map str"),
    14: ("finalizers", "list str"),
}
_DELETE: _Table = {
    1: ("gracePeriodSeconds", "int"),
    2: ("preconditions", {1: ("uid", "str"), 2: ("resourceVersion", "str")}),
    4: ("propagationPolicy", "str"),
    5: ("dryRun", "list str"),
}
# The fields that `kubectl create job` sets.
_CONTAINER: _Table = {1: ("name", "str"), 2: ("image", "str"), 3: ("command", "list str"), 4: ("args", "list str")}
_POD: _Table = {2: ("containers", ("list", _CONTAINER)), 3: ("restartPolicy", "str")}
_RESOURCE: _Table = {
    1: ("namespace", "str"),
    2: ("verb", "str"),
    3: ("group", "str"),
    4: ("version", "str"),
    5: ("resource", "str"),
    6: ("subresource", "str"),
    7: ("name", "str"),
}
_KINDS: dict[str, _Table] = {
    "Secret": {
        1: ("metadata", _META),
        2: ("data", "map bytes"),
        3: ("type", "str"),
        4: ("stringData", "map str"),
        5: ("immutable", "bool"),
    },
    "ConfigMap": {
        1: ("metadata", _META),
        2: ("data", "map str"),
        3: ("binaryData", "map bytes"),
        4: ("immutable", "bool"),
    },
    "Namespace": {1: ("metadata", _META)},
    "ServiceAccount": {1: ("metadata", _META), 4: ("automountServiceAccountToken", "bool")},
    "PriorityClass": {
        1: ("metadata", _META),
        2: ("value", "int"),
        3: ("globalDefault", "bool"),
        4: ("description", "str"),
        5: ("preemptionPolicy", "str"),
    },
    "SelfSubjectAccessReview": {
        1: ("metadata", _META),
        2: (
            "spec",
            {
                1: ("resourceAttributes", _RESOURCE),
                2: ("nonResourceAttributes", {1: ("path", "str"), 2: ("verb", "str")}),
            },
        ),
    },
    "SelfSubjectRulesReview": {1: ("metadata", _META), 2: ("spec", {1: ("namespace", "str")})},
    "SelfSubjectReview": {1: ("metadata", _META)},
    "Job": {
        1: ("metadata", _META),
        2: ("spec", {6: ("template", {1: ("metadata", _META), 2: ("spec", _POD)})}),
        3: ("status", {}),
    },
    "Eviction": {1: ("metadata", _META), 2: ("deleteOptions", _DELETE)},
    "DeleteOptions": _DELETE,
}
_UNKNOWN: _Table = {1: ("type", {1: ("apiVersion", "str"), 2: ("kind", "str")}), 2: ("raw", "raw")}


_STRICT = {"Job"}
"""Kinds with more fields than their table has: a value that the table does not have is an error."""


class DecodeError(ValueError):
    """The bytes are not a Kubernetes object, or its kind is not supported."""


def decode(data: bytes) -> dict[str, Any]:
    """The object in its JSON form. Raises DecodeError."""
    if not data.startswith(_MAGIC):
        raise DecodeError("the body does not start with the prefix of Kubernetes protobuf")
    try:
        outer = _message(data[len(_MAGIC) :], _UNKNOWN)
        kind = outer["type"]["kind"]
        if kind not in _KINDS:
            raise DecodeError(f"protobuf is not supported for {kind}; send JSON")
        return {**outer["type"], **_message(outer.get("raw", b""), _KINDS[kind], strict=kind in _STRICT)}
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise DecodeError(f"broken protobuf: {error!r}") from error


def _message(data: bytes, table: _Table, *, strict: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(data):
        if number not in table:
            if strict and value:
                raise DecodeError(f"protobuf is not supported for field {number} of this object; send JSON")
            continue
        name, kind = table[number]
        if isinstance(kind, dict):
            found[name] = _message(_bytes(value), kind, strict=strict)
        elif isinstance(kind, tuple):
            found.setdefault(name, []).append(_message(_bytes(value), kind[1], strict=strict))
        elif kind.startswith("map "):
            entry = _message(_bytes(value), {1: ("key", "str"), 2: ("value", kind[4:])})
            found.setdefault(name, {})[entry.get("key", "")] = entry.get("value", "")
        elif kind.startswith("list "):
            found.setdefault(name, []).append(_value(value, kind[5:]))
        else:
            found[name] = _value(value, kind)
            if found[name] == "":  # protobuf sends empty strings for unset fields
                del found[name]
    return found


def _value(value: int | bytes, kind: str) -> Any:
    if kind == "int":
        return value if isinstance(value, int) and value < 1 << 63 else int(value) - (1 << 64)
    if kind == "bool":
        return bool(value)
    if kind == "raw":
        return value
    data = _bytes(value)
    return base64.b64encode(data).decode() if kind == "bytes" else data.decode()


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise DecodeError("broken protobuf: a number in place of a string")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise DecodeError("broken protobuf: the data ends too early")
            yield number, data[at : at + length]
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise DecodeError(f"broken protobuf: wire type {wire}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        result |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return result, at
