"""JSON Schemas that people write into pipelines, of a param.

They stand alone: a reference could lead to a file or an address, which Airflow, too, would read.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "$schema")
_DATA = ("default", "const", "enum", "examples")  # under these stands no schema


def validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """What tells whether a value fits. Raises ``ValueError`` with one line about what is no schema."""
    reference = _reference(schema)
    if reference:
        raise ValueError(f"`{reference}` is not read here, where a schema stands alone")
    return _compiled(msgspec.json.encode(schema))


def fault(schema: Any, value: Any) -> str:
    """Why a value does not fit a schema, in a line; nothing where it does. Raises as ``validator`` does."""
    error = next(validator(schema).iter_errors(value), None)
    return error.message if error else ""


@lru_cache(512)
def _compiled(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(msgspec.json.decode(schema), validate_formats=True)
    except ValueError as failure:
        raise ValueError(str(failure).splitlines()[0]) from None


def _reference(schema: Any) -> str:
    """The first key that refers to something else."""
    if isinstance(schema, dict):
        for key, below in schema.items():
            if key in _REFERENCES and isinstance(below, str):
                return str(key)
            found = "" if key in _DATA else _reference(below)
            if found:
                return found
    elif isinstance(schema, list):
        return next(filter(None, map(_reference, schema)), "")
    return ""
