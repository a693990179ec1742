"""The part of the OpenAPI documents that kubectl reads: for ``apply`` and ``create``, and for ``explain``."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from ..objects import node
from ..resources import decoding
from ..resources.kinds import GROUPS, Resource, in_group

V2_ACCEPT = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
"""kubectl reads version 2 only in this form. An empty body is a document without types: it then checks nothing."""
V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

_PREFIX = "io.k8s.api."
_SCALARS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "Time": {"type": "string", "format": "date-time"},
    "Quantity": {"type": "string"},
    "IntOrString": {"type": "string", "format": "int-or-string"},
    "[]uint8": {"type": "string", "format": "byte"},
    "any": {"type": "object"},
}


def index() -> dict[str, Any]:
    """The paths of the documents. The hash of a path changes with its document, because clients keep documents."""
    documents = [("", "v1"), *GROUPS]
    return {
        "paths": {
            _path(*found): {"serverRelativeURL": f"/openapi/v3/{_path(*found)}?hash={_digest(*found)}"}
            for found in documents
        }
    }


def document(path: str) -> bytes | None:
    """The JSON of a document, by its path below ``/openapi/v3/``; None if there is none."""
    found = next((each for each in [("", "v1"), *GROUPS] if _path(*each) == path), None)
    return _document(*found) if found else None


@cache
def _document(group: str, version: str) -> bytes:
    resources = in_group(group, version)
    body = {
        "openapi": "3.0.0",
        "info": {"title": "dagf local cluster", "version": node.VERSION},
        "paths": dict(_patch_path(resource, _path(group, version)) for resource in resources),
        "components": {"schemas": _schemas(resources)},
    }
    return json.dumps(body, separators=(",", ":")).encode()


@cache
def _digest(group: str, version: str) -> str:
    return hashlib.sha256(_document(group, version)).hexdigest()[:32]


def _patch_path(resource: Resource, path: str) -> tuple[str, dict[str, Any]]:
    """The operation by which kubectl learns that the server checks the fields of this kind itself."""
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    parameters = [{"name": name, "in": "query"} for name in ("dryRun", "fieldManager", "fieldValidation", "force")]
    patch = {"x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": _kind(resource)}
    return f"/{path}{scope}/{resource.name}/{{name}}", {"patch": {**patch, "parameters": parameters}}


def _schemas(resources: list[Resource]) -> dict[str, Any]:
    """The schemas of these kinds and of all types that they use."""
    types, schemas = decoding.types(), {}
    descriptions = json.loads(files(decoding.__package__).joinpath("schema/descriptions.json").read_text("utf-8"))
    kinds = {resource.kind: resource for resource in resources}
    waiting = list(kinds)
    while waiting:
        name = waiting.pop()
        if _PREFIX + name in schemas:
            continue
        properties = {}
        for key, kind in types[name].items():
            properties[key] = {"description": descriptions[name][key], **_schema(kind)}
            inner = kind.removeprefix("map[string]").removeprefix("[]")
            waiting += [inner] if inner in types else []
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        if name in kinds:
            schema["x-kubernetes-group-version-kind"] = [_kind(kinds[name])]
        schemas[_PREFIX + name] = schema
    return schemas


def _schema(kind: str) -> dict[str, Any]:
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind.startswith("[]"):
        return {"type": "array", "items": _schema(kind[2:])}
    if kind.startswith("map[string]"):
        return {"type": "object", "additionalProperties": _schema(kind.removeprefix("map[string]"))}
    return {"allOf": [{"$ref": f"#/components/schemas/{_PREFIX}{kind}"}]}


def _kind(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"
