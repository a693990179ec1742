"""The inputs of a template: their schema, and the values of a caller validated against it.

A template declares a map of names to JSON Schemas, or one JSON Schema of an object, which can also relate the inputs to
each other (``oneOf``, ``dependentRequired`` ...).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec

from dag_factory.config import budget
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.regex import slow_patterns
from dag_factory.config.schema import messages
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.tree import (
    ListNode,
    MapNode,
    Node,
    Scalar,
    at,
    entries_of,
    key_position,
    position_at,
    to_python,
)

if TYPE_CHECKING:  # a slow import, only needed for errors
    from jsonschema import Draft202012Validator, ValidationError

Schema = dict[str, Any]
_CONDITION = re.compile(r"\(\?[=!<>]|\\[1-9k]")
_STEPS_PER_VALUE = 15_000  # that a slow pattern takes until the validator gives up


def read_input_schema(node: Node | None) -> tuple[Schema, list[Problem]]:
    """The schema of the object of all inputs, and its problems."""
    declared = to_python(node) if isinstance(node, MapNode) else {}
    is_one_schema = declared.get("type") == "object" and isinstance(declared.get("properties", {}), dict)
    if not is_one_schema:
        required = [name for name, schema in declared.items() if "default" not in _map(schema)]
        properties = {name: {} if schema is None else schema for name, schema in declared.items()}
        declared = {"type": "object", "properties": properties, "required": required}
    declared.setdefault("properties", {})
    problems = list(_check_schema(declared, node, is_one_schema)) if node else []
    return ({"type": "object", "properties": {}} if problems else declared), problems


def _check_schema(schema: Schema, node: Node, is_one_schema: bool) -> Iterator[Problem]:
    try:
        _validator(msgspec.json.encode(schema))
        return
    except (ValueError, RecursionError) as failure:
        reason = str(failure).splitlines()[0]
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    name, below, position = "", (), node.position  # type: str, KeyPath, Position
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as failure:
        reason = failure.message
        where = tuple(failure.absolute_path)
        below = where if is_one_schema else where[1:]
        name = next((str(step) for step in where[1:2]), "") if where[:1] == ("properties",) else ""
        position = key_position(node, name) or position_at(node, below)
    what = f"the input `{name}`" if name else "the inputs"
    hint = "use a self-contained schema such as `{type: string}` or `{type: integer, minimum: 1, default: 5}`"
    message = f"the schema of {what} is not a valid JSON Schema: {reason}"
    yield Problem.at(position, ("inputs", *below), "bad-template-file", message, hint)


def validate_inputs(
    template: str, schema: Schema, given: Node | None, caller: Position, path: KeyPath
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of the inputs with defaults, and their problems.

    ``path`` is the path of ``given`` in its document; missing inputs are reported at ``caller``.
    """
    properties: Schema = schema["properties"]
    problems: list[Problem] = []
    values = {name: schema_of["default"] for name, schema_of in properties.items() if "default" in _map(schema_of)}
    for name, node in entries_of(given).items():
        if name in properties or _allows_other_names(schema):
            values[name] = _input_value(node, properties.get(name, {}))
            continue
        hint = did_you_mean(name, properties) if properties else "remove it; the template takes no inputs"
        message = f"the template `{template}` has no input `{name}`"
        problems.append(
            Problem.at(key_position(given, name) or node.position, (*path, name), "unknown-input", message, hint)
        )
    rest = {key: value for key, value in schema.items() if key != "additionalProperties"}
    encoded = msgspec.json.encode(rest)
    slow = _slow_patterns(encoded)
    if slow and not budget.spend_steps(_STEPS_PER_VALUE * len(slow) * len(values)):
        message = f"the inputs of `{template}` take too many steps to validate against its pattern {show(slow[0])}"
        hint = "change the pattern so that it can match in only one way, or call the template less often"
        return values, [*problems, Problem.at(caller, path, "broken-template", message, hint)]
    if not _validator(encoded).is_valid(values):
        try:
            problems += _find_errors(template, rest, values, given, caller, path)
        except RecursionError:
            message = f"the input schema of `{template}` refers to itself endlessly"
            problems.append(Problem.at(caller, path, "broken-template", message, "fix `inputs` in the template"))
    return values, problems


def _find_errors(
    template: str, schema: Schema, values: Schema, given: Node | None, caller: Position, path: KeyPath
) -> Iterator[Problem]:
    properties: Schema = schema["properties"]
    reported: set[str] = set()
    for name in schema.get("required", ()):
        if name not in values:
            schema_of = _map(properties.get(name)).get("description", "")
            hint = f"add `{name}:` under `with:`" + (f". {schema_of}" if schema_of else "")
            reported.add(name)
            yield Problem.at(caller, path, "missing-input", f"the template `{template}` needs the input `{name}`", hint)
    for error in _explaining_validator(msgspec.json.encode({**schema, "required": []})).iter_errors(values):
        for leaf in messages.relevant_errors(error):
            yield from _error_problems(leaf, template, properties, given, caller, path, reported)


def _error_problems(
    leaf: ValidationError,
    template: str,
    properties: Schema,
    given: Node | None,
    caller: Position,
    path: KeyPath,
    reported: set[str],
) -> Iterator[Problem]:
    """The problems of one error, one for each input."""
    for key, code, message, schema_hint in messages.describe_error(leaf, fallback=False):
        where = (*leaf.absolute_path, *(() if key is None else (key,)))
        if not where:
            message = f"the template `{template}`: {message}"
            yield Problem.at(
                caller, path, "missing-input" if code == "missing-key" else "bad-input", message, schema_hint
            )
            continue
        name = str(where[0])
        if name in reported:
            continue
        reported.add(name)
        hint = schema_hint or _map(properties.get(name)).get("description", "") or "use another value"
        message = f"the input `{name}` of `{template}`: {message}"
        yield Problem.at(_error_position(given, where, key, caller), (*path, *where), "bad-input", message, hint)


def _error_position(given: Node | None, where: KeyPath, key: str | None, caller: Position) -> Position:
    """The position of the key if the error is in the key, else of the value; the caller for a default."""
    if given is None or where[0] not in entries_of(given):
        return caller
    parent = at(given, where[:-1])
    return (key_position(parent, key) if key is not None else None) or position_at(given, where)


def _input_value(node: Node, schema: Any) -> Any:
    """A value. If the schema asks for text, a number or a boolean is the text of the file."""
    schema = _map(schema)
    if isinstance(node, Scalar):
        return node.text if schema.get("type") == "string" and node.value is not None else node.value
    if isinstance(node, ListNode):
        return [_input_value(item, schema.get("items")) for item in node.items]
    known, other = _map(schema.get("properties")), schema.get("additionalProperties")
    return {key: _input_value(item, known.get(key, other)) for key, item in node.entries.items()}


def _allows_other_names(schema: MappingT[str, Any]) -> bool:
    """Whether the schema itself allows names that it does not list."""
    return bool(schema.get("additionalProperties")) or "patternProperties" in schema


def _map(value: Any) -> MappingT[str, Any]:
    return value if isinstance(value, dict) else {}


@lru_cache(512)
def _slow_patterns(schema: bytes) -> tuple[str, ...]:
    """Patterns that can make the validator give up: those with lookarounds or back-references, and exponential."""
    return tuple(pattern for pattern in _patterns(msgspec.json.decode(schema)) if _is_slow(pattern))


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (value for key, value in schema.items() if key == "pattern" and isinstance(value, str))
    for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _patterns(below)


def _is_slow(pattern: str) -> bool:
    if not _CONDITION.search(pattern):  # the validator matches all others in linear time
        return False
    try:
        return not slow_patterns.find_slow_text(pattern).is_fast
    except ValueError:  # not a pattern of Python
        return False


@lru_cache(512)
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    """Raises ``ValueError`` if the schema is not valid, or refers to another file or address."""
    return jsonschema_rs.Draft202012Validator(msgspec.json.decode(schema), retriever=_reject_reference)


def _reject_reference(uri: str) -> Any:
    raise ValueError(f"`{uri}` is outside the schema")


@lru_cache(512)
def _explaining_validator(schema: bytes) -> Draft202012Validator:
    from referencing import Registry

    from dag_factory.config.schema.error_iteration import ErrorValidator, without_dialect

    return ErrorValidator(without_dialect(msgspec.json.decode(schema)), registry=Registry())
