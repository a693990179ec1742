"""The annotations of the schemas for each place in a document: how its values merge, and whether Airflow renders it.

The annotations are ``x-merge`` (see ``merge``), ``x-templated`` (Airflow renders ``{{ }}`` there and below),
``x-null: value`` (null is a value there and below) or ``below`` (null is a value only below), and ``x-ends`` (a value
here removes these sibling keys from lower layers).
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

from dag_factory.config.schema import registry
from dag_factory.config.schema.registry import JSON


class Shape:
    """One place in a document, with its annotations. Children are created when a document is walked."""

    def __init__(
        self, branches: tuple[tuple[JSON, str], ...], templated: bool = False, keeps_null: bool = False
    ) -> None:
        self._branches = branches
        self._children: dict[str, Shape] = {}
        self.merge: str = self._annotation("x-merge") or ""
        annotated = self._annotation("x-templated")
        self.templated: bool = templated if annotated is None else bool(annotated)
        null = self._annotation("x-null")
        self.keeps_null: bool = keeps_null or null == "value"
        self._null_below = self.keeps_null or null == "below"
        self.ends: tuple[str, ...] = tuple(self._annotation("x-ends") or ())

    def _annotation(self, name: str) -> Any:
        return next((schema[name] for schema, _ in self._branches if name in schema), None)

    @property
    def is_defined(self) -> bool:
        """Whether the schemas say anything about this place."""
        return bool(self._branches)

    def defines(self, key: str) -> bool:
        """Whether the schemas name a key of this map. A map such as ``env`` may have any keys, and names none."""
        return any(key in schema.get("properties", {}) for schema, _ in self._branches)

    @property
    def description(self) -> str:
        """The description in the schemas, which ends with the default and an example."""
        return self._annotation("description") or ""

    def child(self, key: str) -> Shape:
        """The shape of the value of a key of this map."""
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = Shape(self._below("properties", key), self.templated, self._null_below)
        return found

    @cached_property
    def items(self) -> Shape:
        """The shape of the items of this list."""
        return Shape(self._below("items", None), self.templated, self._null_below)

    def _below(self, keyword: str, key: str | None) -> tuple[tuple[JSON, str], ...]:
        found: list[tuple[JSON, str]] = []
        for schema, base in self._branches:
            inner = schema.get(keyword)
            if key is not None:
                inner = (inner or {}).get(key) or schema.get("additionalProperties")
            if isinstance(inner, dict):
                found += _branches(inner, base)
        return tuple(found)


def _branches(schema: JSON, base: str) -> list[tuple[JSON, str]]:
    """The schema, the schemas that it refers to, and its alternatives. The schema nearest to the use comes first."""
    found = [(schema, base)]
    if "$ref" in schema:
        found += _branches(*registry.follow_reference(schema, base))
    for keyword in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(keyword, ()):
            found += _branches(branch, base)
    for keyword in ("then", "else"):
        if keyword in schema:
            found += _branches(schema[keyword], base)
    return found


@lru_cache
def shape(name: str, pointer: str = "") -> Shape:
    """The shape of a whole file (``pipeline.schema.json``), or of one definition in it."""
    return Shape(tuple(_branches({"$ref": f"{name}#{pointer}"}, name)))
