"""The JSON Schemas in ``schemas/``, the single definition of the language. Each process loads them once.

A compiled validator decides whether a document is valid. Only for an invalid document, the slower library explains why.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dag_factory

if TYPE_CHECKING:  # a slow import that a fully cached pass does not need
    import jsonschema_rs

JSON = dict[str, Any]


def folder() -> Path:
    """The folder of the schemas: inside the installed package, or beside it in a checkout."""
    package = Path(dag_factory.__file__).resolve().parent
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


@lru_cache(1)
def documents() -> dict[str, JSON]:
    """Every schema by its file name."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder().glob("*.schema.json"))}


def resolve(schema: JSON, base: str) -> tuple[JSON, str]:
    """Follow ``$ref`` to the last schema. Returns that schema and the name of its file."""
    while "$ref" in schema:
        schema, base = follow_reference(schema, base)
    return schema, base


def follow_reference(schema: JSON, base: str) -> tuple[JSON, str]:
    """Follow one ``$ref``. The schema that it names may have a ``$ref`` and annotations of its own."""
    file, _, pointer = schema["$ref"].partition("#")
    base = file or base
    found = documents()[base]
    for step in pointer.split("/")[1:]:
        found = found[step]
    return found, base


@lru_cache
def validator(name: str, pointer: str = "") -> jsonschema_rs.Draft202012Validator:
    """The compiled validator of one schema file, or of one definition in it (``/$defs/job``)."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator({"$ref": f"{name}#{pointer}"}, registry=_registry())


@lru_cache(1)
def _registry() -> jsonschema_rs.Registry:
    import jsonschema_rs

    return jsonschema_rs.Registry(list(documents().items()))
