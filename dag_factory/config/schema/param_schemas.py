"""The JSON Schemas that users write for the params of a pipeline.

They cannot refer to other schemas: a reference could lead to a file or an address, and Airflow would read it too.
Airflow also validates each default against its schema: when it builds the DAG, and in the scheduler for each run. There
Python matches patterns, which can take exponential time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from dag_factory.config import budget
from dag_factory.config.regex import slow_patterns
from dag_factory.config.regex.slow_patterns import Verdict
from dag_factory.config.schema import validation_cost
from dag_factory.config.schema.validation_cost import TooMuchWork

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "$schema")
_DATA = ("default", "const", "enum", "examples")  # the values of these keywords are not schemas
_SIMPLE = frozenset(
    "type enum const title description description_md section values_display examples minimum maximum exclusiveMinimum "
    "exclusiveMaximum minLength maxLength".split()
)
"""Keywords for which both libraries give the same result quickly."""
FORMATS = frozenset(
    "date date-time duration email hostname idn-email idn-hostname ipv4 ipv6 iri iri-reference json-pointer regex "
    "relative-json-pointer time uri uri-reference uri-template uuid color color-hex multiline password".split()
)
"""The formats of JSON Schema, then those of Airflow's trigger form."""
_NAMED = ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")


class UnknownFormat(ValueError):
    """A format that does not exist, so that nothing would be checked. ``format`` is its name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the format `{name}` does not exist")
        self.format = name


def validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """The validator of a schema. Raises ``ValueError`` with one line if the schema is not valid."""
    reference = _first_reference(schema)
    if reference:
        raise ValueError(f"`{reference}` is not supported: a schema here cannot refer to other schemas")
    compiled = _compiled(msgspec.json.encode(schema))
    unknown = _first_unknown_format(schema)
    if unknown:
        raise UnknownFormat(unknown)
    return compiled


def find_error(schema: Any, value: Any) -> str:
    """Why a value does not match a schema, in one line; an empty text if it does. Raises as ``validator`` does.

    The two libraries treat formats, patterns and fractions differently. So the library of Airflow checks whatever could
    give another result there. Raises ``TooMuchWork``, before the work is done, if it is too much for one file.
    """
    compiled = validator(schema)
    if set(schema) <= _SIMPLE and not isinstance(value, (dict, list)):
        error = next(compiled.iter_errors(value), None)
        return error.message if error else ""
    meter = validation_cost.Meter(budget.work_left())
    validation_cost.count_value(schema, value, meter)
    _spend(meter.used)
    return _find_error_as_airflow(msgspec.json.encode(schema), msgspec.json.encode(value))


@lru_cache(512)
def _find_error_as_airflow(schema: bytes, value: bytes) -> str:
    import jsonschema  # slow to import, and most params do not need it

    try:
        jsonschema.validate(
            msgspec.json.decode(value), msgspec.json.decode(schema), format_checker=jsonschema.FormatChecker()
        )
    except (jsonschema.ValidationError, jsonschema.SchemaError) as failure:
        return failure.message
    except Exception as failure:  # a format checker or a pattern that fails with the value
        return f"{type(failure).__name__}: {failure}"
    return ""


def count_work(schema: Any) -> None:
    """Count the work to read a schema. Raises ``TooMuchWork`` if it is too much for one file."""
    meter = validation_cost.Meter(budget.work_left())
    validation_cost.count_schema(schema, meter)
    for pattern in dict.fromkeys(_patterns(schema)):
        meter.spend(slow_patterns.compile_work(pattern))
    _spend(meter.used)


def find_slow_pattern(schema: Any, value: Any) -> str:
    """A pattern of a schema that Airflow cannot match fast enough against a text of the value; an empty text if none.

    Raises ``ValueError`` with one line about a pattern that Python cannot parse, and ``TooMuchWork``.
    """
    patterns = dict.fromkeys(_patterns(schema))
    texts = dict.fromkeys(_texts(value)) if patterns else {}
    for pattern in patterns:
        for text in texts:
            if not _charge(slow_patterns.check_text(pattern, text)).is_fast:
                return pattern
    return ""


def find_exponential_pattern(schema: Any) -> tuple[str, str | None] | None:
    """A pattern of a schema that takes exponential time on some input, and such an input.

    The input is None if it is too much work to look for one. Raises as ``find_slow_pattern`` does.
    """
    for pattern in dict.fromkeys(_patterns(schema)):
        found = _charge(slow_patterns.find_slow_text(pattern))
        if not found.is_fast:
            return pattern, found.text
    return None


def _charge(verdict: Verdict) -> Verdict:
    _spend(verdict.work)
    return verdict


def _spend(work: int) -> None:
    if not budget.spend_work(work):
        raise TooMuchWork


def _patterns(schema: Any) -> Iterator[str]:
    for one in _schemas(schema):
        pattern, keyed = one.get("pattern"), one.get("patternProperties")
        if isinstance(pattern, str):
            yield pattern
        yield from keyed if isinstance(keyed, dict) else ()


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a schema at any depth, itself included. Data, such as a default, is not a schema."""
    if isinstance(schema, dict):
        yield schema
        for key, below in schema.items():
            if key in _NAMED and isinstance(below, dict):  # its keys are names, and one of them may be `default`
                for one in below.values():
                    yield from _schemas(one)
            elif key not in _DATA:
                yield from _schemas(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from _schemas(below)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)


@lru_cache(512)
def _compiled(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            msgspec.json.decode(schema), validate_formats=True, retriever=_reject_reference
        )
    except ValueError as failure:
        raise ValueError(str(failure).splitlines()[0]) from None


def _first_reference(schema: Any) -> str:
    """The first keyword that refers to another schema."""
    return next((key for one in _schemas(schema) for key in _REFERENCES if isinstance(one.get(key), str)), "")


def _first_unknown_format(schema: Any) -> str:
    formats = (one["format"] for one in _schemas(schema) if isinstance(one.get("format"), str))
    return next((name for name in formats if name not in FORMATS), "")


def _reject_reference(address: str) -> Any:
    raise ValueError(f"`{address}` is not supported: a schema here cannot refer to other schemas")
