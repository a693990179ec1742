"""``for_each`` of a job or a group, which runs once for each item of a list, a param, or another job's output."""

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


def read_for_each(node: Node) -> ForEach:
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
    """The value of an item. A number that JSON writes differently (``1.0``, ``007``) is the text of the file."""
    value = to_python(node)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return node.text if isinstance(node, Scalar) and is_number and json.dumps(value) != node.text else value


def check(node: Node | None, env: Node | None, path: KeyPath) -> Iterator[Problem]:
    """Problems of a ``for_each`` by itself, and together with the job's ``env``."""
    items = as_map(node).get("list")
    if isinstance(items, ListNode):
        yield from _check_length(items, (*path, "list"))
    yield from check_variable(node, env, path)


def check_variable(node: Node | None, env: Node | None, path: KeyPath, job: str = "") -> Iterator[Problem]:
    """A problem if the job's ``env`` also sets the variable of the item; ``job`` names a job of a group."""
    variable = as_map(node).get("as")
    name = text_of(variable)
    if variable is not None and name and is_set(as_map(env).get(name)):
        message = f"the variable `{name}` is also set under `env`" + (f" of the job `{job}`" if job else "")
        hint = f"use another name, or unset the variable: `env: {{{name}: null}}`"
        yield Problem.at(variable.position, (*path, "as"), "variable-taken", message, hint)


def _check_length(items: ListNode, path: KeyPath) -> Iterator[Problem]:
    if len(items.items) > BOUNDS.items:
        message = f"the list has {len(items.items):,} items; at most {BOUNDS.items:,} are allowed"
        hint = "let each mapped task process several items: use a list of lists"
        yield Problem.at(items.position, path, "too-many-items", message, hint)


def check_param(node: Node | None, path: KeyPath, params: Node | None) -> Iterator[Problem]:
    """A problem of the param whose value is the list; ``params`` are those of the pipeline."""
    param = as_map(node).get("param")
    if not isinstance(param, Scalar) or param.dynamic:
        return
    declared = {name: one for name, one in entries_of(params).items() if is_set(one)}
    found, place = declared.get(param.text), (*path, "param")
    if found is None:
        hint = did_you_mean(param.text, declared) or "declare it under `params`"
        yield Problem.at(param.position, place, "unknown-param", f"the pipeline has no param `{param.text}`", hint)
        return
    schema = entries_of(found)
    default = schema.get("default") if isinstance(found, MapNode) else found
    kinds = to_python(schema["type"]) if isinstance(found, MapNode) and is_set(schema.get("type")) else None
    if kinds is None:  # the default determines the type
        is_list = default is None or isinstance(default, ListNode)
    else:
        is_list = "array" in ([kinds] if isinstance(kinds, str) else kinds)
    if not is_list:
        message = f"`for_each` needs a list, but the param `{param.text}` is not a list"
        hint = f"declare it as `{param.text}: {{type: array, default: [...]}}`"
        yield Problem.at(param.position, place, "bad-for-each", message, hint)


def check_source(
    node: Node | None, path: KeyPath, tasks: MappingT[str, tuple[str, ...]], matrices: Set[str], with_output: Set[str]
) -> Iterator[Problem]:
    """A problem of the job whose output is the list. An unknown job, and the job itself, are reported with the graph.

    ``tasks`` holds the tasks of each job name, ``matrices`` the jobs with several tasks.
    """
    source = as_map(node).get("output")
    if not isinstance(source, Scalar) or source.dynamic or source.text not in tasks or source.text == path[1]:
        return
    path = (*path, "output")
    if source.text in matrices:
        message = f"`{source.text}` has a matrix, so it has one output for each cell"
        hint = f"name one cell, such as `{tasks[source.text][0]}`"
        yield Problem.at(source.position, path, "bad-for-each", message, hint)
    elif not with_output >= set(tasks[source.text]):
        message, hint = f"the job `{source.text}` has no output", f"add `output: json` to the job `{source.text}`"
        yield Problem.at(source.position, path, "no-output", message, hint)
