"""``for_each`` of a job or a group: once for each item of a list, of a param, or of another job's output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from collections.abc import Mapping as MappingT
from typing import Any

from dag_factory.config.expressions import run_time
from dag_factory.config.model import ForEach
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import (
    ListNode,
    MapNode,
    Node,
    Scalar,
    as_map,
    entries_of,
    is_set,
    text_of,
    to_python,
    whole_number,
)
from dag_factory.settings import BOUNDS


def for_each(node: Node) -> ForEach:
    """The model of a ``for_each`` that fits its schema."""
    each = as_map(node)
    items, path = each.get("list"), each.text("path")
    return ForEach(
        variable=each.text("as") or "",
        output=each.text("output") or None,
        path=tuple(path.split(".")) if path else (),
        param=each.text("param") or None,
        items=tuple(item_value(run_time.remove_raw_tags(item)) for item in items.items)
        if isinstance(items, ListNode)
        else None,
        label=each.text("label") or None,
        max_parallel=whole_number(each.get("max_parallel")),
        own_task=is_set(each.get("param")) or is_set(each.get("path")),
    )


def item_value(node: Node) -> Any:
    """An item; a number that JSON would write otherwise (``1.0``, ``007``) is text, as it is written."""
    value = to_python(node)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return node.text if isinstance(node, Scalar) and is_number and json.dumps(value) != node.text else value


def check(node: Node | None, env: Node | None, path: KeyPath) -> Iterator[Problem]:
    """What is wrong with a ``for_each`` by itself, and beside the job's ``env``."""
    items = as_map(node).get("list")
    if isinstance(items, ListNode):
        yield from _too_many(items, (*path, "list"))
    yield from check_variable(node, env, path)


def check_variable(node: Node | None, env: Node | None, path: KeyPath, job: str = "") -> Iterator[Problem]:
    """A variable for the item that the ``env`` of the job sets too; ``job`` names one of a group's."""
    variable = as_map(node).get("as")
    name = text_of(variable)
    if variable is not None and name and is_set(as_map(env).get(name)):
        message = f"the variable `{name}` is set under `env` too" + (f", at the job `{job}`" if job else "")
        hint = f"choose another name, or unset it: `env: {{{name}: null}}`"
        yield Problem.at(variable.position, (*path, "as"), "variable-taken", message, hint)


def _too_many(items: ListNode, path: KeyPath) -> Iterator[Problem]:
    if len(items.items) > BOUNDS.items:
        message = f"the list has {len(items.items):,} items, more than {BOUNDS.items:,}"
        hint = "let one instance work on several items: a list of lists"
        yield Problem.at(items.position, path, "too-many-items", message, hint)


def check_param(node: Node | None, path: KeyPath, params: Node | None) -> Iterator[Problem]:
    """What is wrong with the param whose value is the list; ``params`` are the pipeline's."""
    said = as_map(node).get("param")
    if not isinstance(said, Scalar) or said.dynamic:
        return
    declared = {name: one for name, one in entries_of(params).items() if is_set(one)}
    found, place = declared.get(said.text), (*path, "param")
    if found is None:
        hint = did_you_mean(said.text, declared) or "declare it under `params`"
        yield Problem.at(said.position, place, "unknown-param", f"the pipeline has no param `{said.text}`", hint)
        return
    schema = entries_of(found)
    default = schema.get("default") if isinstance(found, MapNode) else found
    kinds = to_python(schema["type"]) if isinstance(found, MapNode) and is_set(schema.get("type")) else None
    if kinds is None:  # the type is the default's
        is_list = default is None or isinstance(default, ListNode)
    else:
        is_list = "array" in ([kinds] if isinstance(kinds, str) else kinds)
    if not is_list:
        message = f"`for_each` needs a list, and the param `{said.text}` is not one"
        hint = f"declare it so: `{said.text}: {{type: array, default: [...]}}`"
        yield Problem.at(said.position, place, "bad-for-each", message, hint)


def check_source(
    node: Node | None, path: KeyPath, tasks: MappingT[str, tuple[str, ...]], matrices: Set[str], with_output: Set[str]
) -> Iterator[Problem]:
    """What is wrong with the job whose output is the list; one that is unknown, or the job itself, is told with
    the graph.

    ``tasks`` has the tasks that each name stands for, ``matrices`` the jobs that have several.
    """
    source = as_map(node).get("output")
    if not isinstance(source, Scalar) or source.dynamic or source.text not in tasks or source.text == path[1]:
        return  # reported with the graph
    path = (*path, "output")
    if source.text in matrices:
        message = f"`{source.text}` has a matrix, so that it has an output for each cell"
        hint = f"name one cell, as `{tasks[source.text][0]}`"
        yield Problem.at(source.position, path, "bad-for-each", message, hint)
    elif not with_output >= set(tasks[source.text]):
        message, hint = f"the job `{source.text}` has no output", f"add `output: json` to the job `{source.text}`"
        yield Problem.at(source.position, path, "no-output", message, hint)
