"""Estimate the work to validate a value with the library that Airflow uses, before the work is done.

The schema is walked as the library walks it, and each rule that applies to a value is counted. A unit is about two
microseconds, so a second has about 500,000 units, if nothing is cached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dag_factory.config.regex import slow_patterns
from dag_factory.config.tree import CHARACTERS

_SCHEMA = 100  # units to check one schema against the meta-schema
_RULE = 4
_STEPS = 200  # steps of a regular expression in one unit
_COMBINATORS = ("allOf", "anyOf", "oneOf")  # schemas that apply to the value itself
_CONDITIONS = ("if", "then", "else", "not")
_ITEMS = ("items", "additionalItems", "contains", "unevaluatedItems")
_VALUES = ("additionalProperties", "unevaluatedProperties")


class TooMuchWork(Exception):
    """The work is more than allowed."""


class Meter:
    """Adds up work. Raises ``TooMuchWork`` if it exceeds ``most``."""

    def __init__(self, most: int) -> None:
        self.used, self._most = 0, most

    def spend(self, units: int) -> None:
        """Add ``units`` of work."""
        self.used += units
        if self.used > self._most:
            raise TooMuchWork


def count_schema(schema: Any, meter: Meter) -> None:
    """Count the work to check a schema itself."""
    meter.spend(1)
    if isinstance(schema, dict):
        meter.spend(_SCHEMA)
        for below in schema.values():
            count_schema(below, meter)
    elif isinstance(schema, list):
        for below in schema:
            count_schema(below, meter)
    elif isinstance(schema, str):
        meter.spend(len(schema) // CHARACTERS)


def count_value(schema: Any, value: Any, meter: Meter) -> None:
    """Count the work to validate a value, including every alternative."""
    meter.spend(_RULE)
    if not isinstance(schema, dict):
        return
    for key, rule in schema.items():
        meter.spend(_RULE)
        if isinstance(value, dict):
            _of_properties(key, rule, value, meter)
        elif isinstance(value, list):
            _of_items(key, rule, value, meter)
        elif isinstance(value, str):
            _of_text(key, rule, value, meter)
        if key == "enum" and isinstance(rule, list):
            meter.spend(len(rule) // 4 + size(value))
        elif key == "const":
            meter.spend(min(size(value), size(rule)))
    for one in _combined(schema):
        count_value(one, value, meter)
    if "unevaluatedProperties" in schema or "unevaluatedItems" in schema:
        _of_evaluated(schema, value, meter)


def _of_properties(key: str, rule: Any, value: dict[str, Any], meter: Meter) -> None:
    if key in _VALUES or key == "propertyNames":
        for name, below in value.items():
            count_value(rule, name if key == "propertyNames" else below, meter)
    elif key == "properties" and isinstance(rule, dict):
        meter.spend(len(rule) // 4)
        for name in rule.keys() & value.keys():
            count_value(rule[name], value[name], meter)
    elif key == "patternProperties" and isinstance(rule, dict):
        for pattern, schema in rule.items():
            for name, below in value.items():
                _of_text("pattern", pattern, name, meter)
                count_value(schema, below, meter)
    elif key in ("required", "dependentRequired") and isinstance(rule, (list, dict)):
        meter.spend(len(rule))


def _of_items(key: str, rule: Any, value: list[Any], meter: Meter) -> None:
    if key in _ITEMS:
        for below in value:
            count_value(rule, below, meter)
    elif key == "prefixItems" and isinstance(rule, list):
        for schema, below in zip(rule, value, strict=False):
            count_value(schema, below, meter)
    elif key == "uniqueItems":  # items that cannot be sorted are compared in pairs
        sortable = len({type(item) for item in value}) == 1 and not isinstance(value[0], dict) if value else True
        meter.spend(len(value) * (1 if sortable else len(value) // 4 + 1) + size(value))


def _of_text(key: str, rule: Any, value: str, meter: Meter) -> None:
    if key == "pattern" and isinstance(rule, str):
        meter.spend(2 + slow_patterns.check_text(rule, value).steps // _STEPS)
    elif key == "format":
        meter.spend(10 + len(value))


def _combined(schema: dict[str, Any]) -> Iterator[Any]:
    """The schemas that apply to the value itself."""
    for key in _COMBINATORS:
        rule = schema.get(key)
        yield from rule if isinstance(rule, list) else ()
    yield from (schema[key] for key in _CONDITIONS if key in schema)
    for key in ("dependentSchemas", "dependencies"):
        rule = schema.get(key)
        yield from rule.values() if isinstance(rule, dict) else ()


def _of_evaluated(schema: Any, value: Any, meter: Meter) -> None:
    """Count the work to find what the schemas of a value have evaluated: each is tried again, at every level."""
    if not isinstance(schema, dict):
        return
    for key in (*_VALUES, "contains", "unevaluatedItems", "patternProperties"):
        if key in schema:
            _again(key, schema[key], value, meter)
    for one in _combined(schema):
        count_value(one, value, meter)
        _of_evaluated(one, value, meter)


def _again(key: str, rule: Any, value: Any, meter: Meter) -> None:
    if isinstance(value, dict):
        _of_properties(key, rule, value, meter)
    elif isinstance(value, list):
        _of_items(key, rule, value, meter)


def size(value: Any) -> int:
    """The number of values in a value, itself included. A long text counts as several."""
    if isinstance(value, str):
        return 1 + len(value) // CHARACTERS
    below: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(size, below))
