"""The inputs of a template: what its head says of them, and what a caller gives held against that.

A map of names to JSON Schemas, or one whole JSON Schema of an object, which may also say what goes
together (``oneOf``, ``dependentRequired`` ...).
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

if TYPE_CHECKING:  # a slow import, only paid for where something is wrong
    from jsonschema import Draft202012Validator, ValidationError

Schema = dict[str, Any]
_CONDITION = re.compile(r"\(\?[=!<>]|\\[1-9k]")
_GIVEN_UP = 15_000  # steps, to give up one text


def read_inputs(node: Node | None) -> tuple[Schema, list[Problem]]:
    """The one schema that all inputs have to fit, and what is wrong with it."""
    said = to_python(node) if isinstance(node, MapNode) else {}
    whole = said.get("type") == "object" and isinstance(said.get("properties", {}), dict)
    if not whole:
        needed = [name for name, schema in said.items() if "default" not in _map(schema)]
        properties = {name: {} if schema is None else schema for name, schema in said.items()}
        said = {"type": "object", "properties": properties, "required": needed}
    said.setdefault("properties", {})
    problems = list(_wrong(said, node, whole)) if node else []
    return ({"type": "object", "properties": {}} if problems else said), problems


def _wrong(schema: Schema, node: Node, whole: bool) -> Iterator[Problem]:
    try:
        _fast(msgspec.json.encode(schema))
        return
    except (ValueError, RecursionError) as failure:
        said = str(failure).splitlines()[0]
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    name, below, position = "", (), node.position  # type: str, KeyPath, Position
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as failure:
        said = failure.message
        where = tuple(failure.absolute_path)
        below = where if whole else where[1:]
        name = next((str(step) for step in where[1:2]), "") if where[:1] == ("properties",) else ""
        position = key_position(node, name) or position_at(node, below)
    what = f"the input `{name}` is" if name else "the inputs are"
    hint = "write a schema that stands alone, as {type: string} or {type: integer, minimum: 1, default: 5}"
    message = f"{what} described by no JSON Schema: {said}"
    yield Problem.at(position, ("inputs", *below), "bad-template-file", message, hint)


def given_inputs(
    template: str, schema: Schema, given: Node | None, caller: Position, path: KeyPath
) -> tuple[dict[str, Any], list[Problem]]:
    """The inputs' values, defaults filled in, and what is wrong with them.

    ``path`` is where ``given`` stands in its document; what is missing is told at ``caller``.
    """
    properties: Schema = schema["properties"]
    problems: list[Problem] = []
    values = {name: about["default"] for name, about in properties.items() if "default" in _map(about)}
    for name, node in entries_of(given).items():
        if name in properties or _open(schema):
            values[name] = _as_written(node, properties.get(name, {}))
            continue
        hint = did_you_mean(name, properties) if properties else "the template takes no inputs"
        message = f"the template `{template}` has no input `{name}`"
        problems.append(
            Problem.at(key_position(given, name) or node.position, (*path, name), "unknown-input", message, hint)
        )
    rest = {key: said for key, said in schema.items() if key != "additionalProperties"}
    encoded = msgspec.json.encode(rest)
    slow = _slow_patterns(encoded)
    if slow and not budget.spend_steps(_GIVEN_UP * len(slow) * len(values)):
        message = f"to check the inputs of `{template}` takes too many steps, with its pattern {show(slow[0])}"
        hint = "change the pattern in the template so that it has one way to match, or call the template less often"
        return values, [*problems, Problem.at(caller, path, "broken-template", message, hint)]
    if not _fast(encoded).is_valid(values):
        try:
            problems += _unfit(template, rest, values, given, caller, path)
        except RecursionError:
            message = f"the inputs of `{template}` are described by a schema that refers to itself without end"
            problems.append(Problem.at(caller, path, "broken-template", message, "mend the template's `inputs`"))
    return values, problems


def _unfit(
    template: str, schema: Schema, values: Schema, given: Node | None, caller: Position, path: KeyPath
) -> Iterator[Problem]:
    properties: Schema = schema["properties"]
    told: set[str] = set()
    for name in schema.get("required", ()):
        if name not in values:
            about = _map(properties.get(name)).get("description", "")
            hint = f"add `{name}:` under `with:`" + (f". {about}" if about else "")
            told.add(name)
            yield Problem.at(caller, path, "missing-input", f"the template `{template}` needs the input `{name}`", hint)
    for error in _slow(msgspec.json.encode({**schema, "required": []})).iter_errors(values):
        for leaf in messages.relevant_errors(error):
            yield from _told(leaf, template, properties, given, caller, path, told)


def _told(
    leaf: ValidationError,
    template: str,
    properties: Schema,
    given: Node | None,
    caller: Position,
    path: KeyPath,
    told: set[str],
) -> Iterator[Problem]:
    """The problems of one error, one for an input."""
    for key, code, message, said in messages.describe_error(leaf, otherwise=""):
        where = (*leaf.absolute_path, *(() if key is None else (key,)))
        if not where:
            message = f"the template `{template}`: {message}"
            yield Problem.at(caller, path, "missing-input" if code == "missing-key" else "bad-input", message, said)
            continue
        name = str(where[0])
        if name in told:
            continue
        told.add(name)
        hint = said or _map(properties.get(name)).get("description", "") or "write another value"
        message = f"the input `{name}` of `{template}`: {message}"
        yield Problem.at(_place(given, where, key, caller), (*path, *where), "bad-input", message, hint)


def _place(given: Node | None, where: KeyPath, key: str | None, caller: Position) -> Position:
    """A key's own place where the key is at fault, else the value's; a default stands at the caller."""
    if given is None or where[0] not in entries_of(given):
        return caller
    parent = at(given, where[:-1])
    return (key_position(parent, key) if key is not None else None) or position_at(given, where)


def _as_written(node: Node, schema: Any) -> Any:
    """A value; where text is asked for, a number or a truth value is the text as it was written."""
    schema = _map(schema)
    if isinstance(node, Scalar):
        return node.text if schema.get("type") == "string" and node.value is not None else node.value
    if isinstance(node, ListNode):
        return [_as_written(item, schema.get("items")) for item in node.items]
    known, other = _map(schema.get("properties")), schema.get("additionalProperties")
    return {key: _as_written(item, known.get(key, other)) for key, item in node.entries.items()}


def _open(schema: MappingT[str, Any]) -> bool:
    """Whether names may be given that are not listed; only where the schema says so itself."""
    return bool(schema.get("additionalProperties")) or "patternProperties" in schema


def _map(value: Any) -> MappingT[str, Any]:
    return value if isinstance(value, dict) else {}


@lru_cache(512)
def _slow_patterns(schema: bytes) -> tuple[str, ...]:
    """Patterns that the validator gives up after a million ways to match: with conditions, and too many ways."""
    return tuple(pattern for pattern in _patterns(msgspec.json.decode(schema)) if _is_slow(pattern))


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (said for key, said in schema.items() if key == "pattern" and isinstance(said, str))
    for below in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _patterns(below)


def _is_slow(pattern: str) -> bool:
    if not _CONDITION.search(pattern):  # else the validator needs no more steps than the text has characters
        return False
    try:
        return not slow_patterns.find_slow_text(pattern).is_fast
    except ValueError:  # not one of Python's
        return False


@lru_cache(512)
def _fast(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    """Raises ``ValueError`` for what is no JSON Schema, or refers to another file or address."""
    return jsonschema_rs.Draft202012Validator(msgspec.json.decode(schema), retriever=_refused)


def _refused(uri: str) -> Any:
    raise ValueError(f"`{uri}` is not in the schema itself")


@lru_cache(512)
def _slow(schema: bytes) -> Draft202012Validator:
    from referencing import Registry

    from dag_factory.config.schema.error_iteration import ErrorValidator, without_dialect

    return ErrorValidator(without_dialect(msgspec.json.decode(schema)), registry=Registry())
