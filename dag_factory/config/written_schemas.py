"""JSON Schemas that people write into pipelines, of a param.

They stand alone: a reference could lead to a file or an address, which Airflow, too, would read. Airflow holds
each default against them too, where the DAG is built and again for each run, in the scheduler; there a pattern
is Python's, which can take for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

import jsonschema_rs
import msgspec

from dag_factory.config import backtracking
from dag_factory.config.budget import OutOfTime, within
from dag_factory.config.wording import show
from dag_factory.settings import BOUNDS

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef", "$schema")
_DATA = ("default", "const", "enum", "examples")  # under these stands no schema
_PLAIN = frozenset(
    "type enum const title description description_md section values_display examples minimum maximum exclusiveMinimum "
    "exclusiveMaximum minLength maxLength".split()
)
"""What both libraries read alike, in a moment."""
_NAMED = ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")


def validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """What tells whether a value fits. Raises ``ValueError`` with one line about what is no schema."""
    reference = _reference(schema)
    if reference:
        raise ValueError(f"`{reference}` is not read here, where a schema stands alone")
    return _compiled(msgspec.json.encode(schema))


def fault(schema: Any, value: Any) -> str:
    """Why a value does not fit a schema, in a line; nothing where it does. Raises as ``validator`` does.

    The two libraries differ in formats, patterns and fractions: what Airflow could take otherwise its own is asked.
    """
    compiled = validator(schema)
    if set(schema) <= _PLAIN and not isinstance(value, (dict, list)):
        error = next(compiled.iter_errors(value), None)
        return error.message if error else ""
    return _airflows_fault(msgspec.json.encode(schema), msgspec.json.encode(value))


@lru_cache(512)
def _airflows_fault(schema: bytes, value: bytes) -> str:
    import jsonschema  # slow to import, and most params say nothing that needs it

    try:
        jsonschema.validate(
            msgspec.json.decode(value), msgspec.json.decode(schema), format_checker=jsonschema.FormatChecker()
        )
    except (jsonschema.ValidationError, jsonschema.SchemaError) as failure:
        return failure.message
    except Exception as failure:  # a checker of a format, or a pattern, that stumbles over the value
        return f"{type(failure).__name__}: {failure}"
    return ""


def too_slow(schema: Any, value: Any) -> str:
    """A pattern of a schema that takes Airflow too long to hold against a value's texts, or that it cannot read.

    Nothing where there is none. Raises ``ValueError`` with one line about a pattern that Python cannot read.
    """
    patterns = dict.fromkeys(_patterns(schema))
    texts = list(_texts(value)) if patterns else []
    return next((pattern for pattern in patterns if _slow_text(pattern, texts) is not None), "")


def trap(schema: Any) -> tuple[str, str] | None:
    """A pattern of a schema, and a text that somebody may type which takes Airflow too long to hold against it.

    Raises as ``too_slow`` does.
    """
    for pattern in dict.fromkeys(_patterns(schema)):
        text = _slow_text(pattern, backtracking.texts(pattern))
        if text is not None:
            return pattern, text
    return None


def _slow_text(pattern: str, texts: Iterable[str]) -> str | None:
    """The text that Python did not come to an end with."""
    tried = [""]
    try:
        within(BOUNDS.pattern_seconds, partial(_search, pattern, texts, tried))
    except OutOfTime:
        return tried[-1]
    except (re.error, OverflowError, RecursionError) as failure:
        raise ValueError(f"Python, and so Airflow, cannot read the pattern {show(pattern)}: {failure}") from None
    return None


def _search(pattern: str, texts: Iterable[str], tried: list[str]) -> None:
    read = re.compile(pattern)
    for text in texts:
        tried.append(text)
        read.search(text)


def _patterns(schema: Any) -> Iterator[str]:
    for one in _schemas(schema):
        pattern, keyed = one.get("pattern"), one.get("patternProperties")
        if isinstance(pattern, str):
            yield pattern
        yield from keyed if isinstance(keyed, dict) else ()


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema in a schema, itself included, however deep; what is data is none, whatever it holds."""
    if isinstance(schema, dict):
        yield schema
        for key, below in schema.items():
            if key in _NAMED and isinstance(below, dict):  # its keys are names, of which one may be `default`
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
            msgspec.json.decode(schema), validate_formats=True, retriever=_nowhere
        )
    except ValueError as failure:
        raise ValueError(str(failure).splitlines()[0]) from None


def _reference(schema: Any) -> str:
    """The first key that refers to something else."""
    return next((key for one in _schemas(schema) for key in _REFERENCES if isinstance(one.get(key), str)), "")


def _nowhere(address: str) -> Any:
    raise ValueError(f"`{address}` is not read here, where a schema stands alone")
