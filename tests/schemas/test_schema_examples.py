"""The examples in the descriptions are valid values."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest
from schema_tools import DOCUMENTS, read, subschemas

_EXAMPLE = re.compile(r"Example: (`.+)$", re.DOTALL)
_FIRST = re.compile(r"`([^`]+)`")
REGISTRY = jsonschema_rs.Registry(list(DOCUMENTS.items()))


def described() -> list[tuple[str, str, str]]:
    """The file, the pointer and the first example of each schema whose description has one."""
    found = []
    for name, document in DOCUMENTS.items():
        for pointer, schema in subschemas(document):
            said = _EXAMPLE.search(str(schema.get("description", "")))
            first = _FIRST.search(said[1]) if said else None
            if first:
                found.append((name, pointer, first[1]))
    return found


def value(text: str) -> Any:
    try:
        return read(text)
    except Exception:
        return text  # {{ }} and text that begins with @ need quotes


@pytest.mark.parametrize(("name", "pointer", "text"), described())
def test_the_example_is_valid(name: str, pointer: str, text: str) -> None:
    validator = jsonschema_rs.Draft202012Validator({"$ref": f"{name}#{pointer}"}, registry=REGISTRY)
    found = value(text)
    fits = validator.is_valid(found) or (not isinstance(found, str) and validator.is_valid(text))
    assert fits, f"{text}: {[error.message for error in validator.iter_errors(found)]}"
