"""Validate a document against its JSON Schema. Every error becomes a problem with a position in the source file.

A value that still contains an expression is validated again after the expression is computed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema import messages
from dag_factory.config.schema import registry as schemas
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, at, key_position, map_node, position_at, to_python
from dag_factory.settings import BOUNDS

if TYPE_CHECKING:  # a slow import that only invalid documents need
    from jsonschema import Draft202012Validator, ValidationError


def validate(node: Node, name: str, pointer: str = "", path: KeyPath = ()) -> list[tuple[KeyPath, Problem]]:
    """The errors in ``node``: pairs of the path below ``node`` and the problem.

    ``name`` and ``pointer`` select the schema (``job.schema.json``, ``/$defs/job``). ``path`` is the path of ``node``
    in its document.
    """
    document = to_python(node)
    if schemas.validator(name, pointer).is_valid(document):
        return []
    found: dict[tuple[KeyPath, str], tuple[KeyPath, Problem]] = {}
    for error in sorted(
        _explaining_validator(name, pointer).iter_errors(document), key=lambda error: _order(node, error)
    ):
        for leaf in messages.relevant_errors(error):
            below = tuple(leaf.absolute_path)
            if _is_pending(node, below, leaf):
                continue
            for key, code, message, hint in messages.describe_error(leaf):
                if key is None and _is_expression(node, below):
                    hint = _NOT_COMPUTED
                where = (*below, key) if key is not None else below
                position = _position(node, below, key)
                once = (
                    message if code == "missing-key" else code
                )  # report only the first of two rules that one value breaks
                found.setdefault((where, once), (where, Problem.at(position, (*path, *where), code, message, hint)))
        if len(found) > BOUNDS.problems_per_file:
            break
    return list(found.values())


def _order(node: Node, error: ValidationError) -> tuple[int, int]:
    """The position in the file. The library returns errors in no particular order."""
    position = position_at(node, tuple(error.absolute_path))
    return position.line, position.column


@lru_cache
def _explaining_validator(name: str, pointer: str) -> Draft202012Validator:
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    from dag_factory.config.schema.error_iteration import ErrorValidator, without_dialect

    resources = [
        (file, Resource.from_contents(without_dialect(document), default_specification=DRAFT202012))
        for file, document in schemas.documents().items()
    ]
    registry: Registry[Any] = Registry().with_resources(resources)
    return ErrorValidator({"$ref": f"{name}#{pointer}"}, registry=registry)


def _position(node: Node, path: KeyPath, key: str | None) -> Position:
    """The position of the key if the key is wrong, otherwise of the value."""
    if key is not None:
        position = key_position(at(node, path), key)
        if position:
            return position
    return position_at(node, path)


_NOT_COMPUTED = "write the value itself; an expression cannot be the whole value here"


def _is_expression(node: Node, path: KeyPath) -> bool:
    found = at(node, path)
    return isinstance(found, Scalar) and found.dynamic


def _is_pending(node: Node, path: KeyPath, error: ValidationError) -> bool:
    """Whether the error may disappear once an expression is computed."""
    found = at(node, path)
    if found is None or not found.dynamic:
        return False
    if isinstance(error.schema, dict) and error.schema.get("x-static"):
        return False
    return isinstance(found, Scalar) or error.validator in ("anyOf", "oneOf", "if", "not")


def prune(node: Node, paths: list[KeyPath]) -> Node:
    """The tree without the values at ``paths``, so that the rest can be checked.

    For each path, the nearest enclosing key of a map is removed. A job that is wrong as a whole stays as an empty map,
    so that no error is reported for the jobs that depend on it.
    """
    wrong: _Wrong = {}
    for path in paths:
        keys = [index for index, step in enumerate(path) if isinstance(step, str)]
        if keys:
            here = wrong
            for step in path[: keys[-1] + 1]:
                here = here.setdefault(step, {})
            here[None] = {}
    return _without(node, wrong, ()) if wrong else node


_Wrong = dict["str | int | None", "_Wrong"]  # the steps of the wrong paths; None ends a path


def _without(node: Node, wrong: _Wrong, path: KeyPath) -> Node:
    if isinstance(node, MapNode):
        kept: dict[str, Node] = {}
        for key, item in node.entries.items():
            below = wrong.get(key)
            if below is None:
                kept[key] = item
            elif None not in below:
                kept[key] = _without(item, below, (*path, key))
            elif path == ("jobs",):
                kept[key] = map_node({}, {}, item.position)
        return map_node(kept, node.keys, node.position)
    if isinstance(node, ListNode):
        items = (
            _without(item, wrong[index], (*path, index)) if index in wrong else item
            for index, item in enumerate(node.items)
        )
        return ListNode(tuple(items), node.position, node.dynamic)
    return node
