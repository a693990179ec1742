"""JSON Schema's errors one by one, for who has to word them.

Whether a document fits is decided by jsonschema-rs, in time that grows with the document. Its errors say too
little; so where something is wrong the ``jsonschema`` library looks again, with its two slow rules exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """Python's own regular expressions can take for ever."""
    if isinstance(instance, str) and not _fits(pattern).is_valid(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _unique(validator: Any, unique: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """The library compares each item with each other where they cannot be sorted."""
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
    """The schema without ``$schema``, by which the library would take its own rules again."""
    return {key: said for key, said in schema.items() if key != "$schema"}
