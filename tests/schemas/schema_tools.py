"""Helpers of the schema tests: load and walk the schemas, and validate with both libraries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

JSON = dict[str, Any]

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
DOCUMENTS: dict[str, JSON] = {
    path.name: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.schema.json"))
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(document)) for name, document in DOCUMENTS.items()
)
_VALUES = ("additionalProperties", "propertyNames", "items", "if", "then", "else", "not")
_LISTS = ("allOf", "anyOf", "oneOf")
_MAPS = ("properties", "patternProperties", "$defs", "dependentSchemas")


def subschemas(schema: JSON, pointer: str = "") -> Iterator[tuple[str, JSON]]:
    """Every schema in a schema with its pointer, without annotations and examples."""
    yield pointer, schema
    for keyword in _VALUES:
        if isinstance(schema.get(keyword), dict):
            yield from subschemas(schema[keyword], f"{pointer}/{keyword}")
    for keyword in _LISTS:
        for index, inner in enumerate(schema.get(keyword, ())):
            yield from subschemas(inner, f"{pointer}/{keyword}/{index}")
    for keyword in _MAPS:
        for key, inner in schema.get(keyword, {}).items():
            yield from subschemas(inner, f"{pointer}/{keyword}/{key}")


@lru_cache
def _compiled(name: str) -> Any:
    registry = jsonschema_rs.Registry(list(DOCUMENTS.items()))
    return jsonschema_rs.Draft202012Validator({"$ref": name}, registry=registry)


@lru_cache
def _worded(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": name}, registry=REGISTRY)


def problems(kind: str, document: Any) -> list[ValidationError]:
    """The errors of a document. Both libraries must agree."""
    name = f"{kind}.schema.json"
    found = sorted(_worded(name).iter_errors(document), key=lambda error: [str(step) for step in error.absolute_path])
    assert _compiled(name).is_valid(document) == (not found), f"the libraries differ: {document!r}: {found}"
    return found


def codes(kind: str, document: Any) -> set[tuple[str, str]]:
    """The path and the code of each error: the code of the schema, or the keyword that failed."""
    found = set()
    for error in problems(kind, document):
        own = error.schema.get("x-code") if isinstance(error.schema, dict) else None
        keys = "unknown-key" if error.validator == "additionalProperties" else None
        found.add((".".join(str(step) for step in error.absolute_path), keys or own or str(error.validator)))
    return found


class _Loader(yaml.SafeLoader):
    """A loader in which dates are text, and only true and false are booleans, as in YAML 1.2."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if not pair[0].endswith((":timestamp", ":bool"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def read(text: str) -> Any:
    """A document from YAML text."""
    return yaml.load(text, _Loader)
