"""A validator that lists JSON Schema errors in detail.

``jsonschema-rs`` decides whether a document is valid, in time proportional to the size of the document. Its errors
contain too little for good messages. So ``jsonschema`` validates invalid documents again, with replacements for its two
slow rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Regular expressions of Python can take exponential time."""
    if isinstance(instance, str) and not _fits(pattern).is_valid(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _unique(validator: Any, unique: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """The rule of the library compares all pairs of items if the items cannot be sorted."""
    if unique and validator.is_type(instance, "array") and not _UNIQUE.is_valid(instance):
        yield ValidationError(f"{instance!r} has non-unique elements")


_UNIQUE = jsonschema_rs.Draft202012Validator({"uniqueItems": True})


@lru_cache(512)
def _fits(pattern: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"pattern": pattern})


ErrorValidator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique}
)


def without_dialect(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without ``$schema``, which would make the library use its own rules again."""
    return {key: value for key, value in schema.items() if key != "$schema"}
