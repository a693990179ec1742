"""A job's ``for_each``: once for each item of a list, which is written here or is another job's output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from collections.abc import Mapping as MappingT

from dag_factory.config import runtime
from dag_factory.config.model import ForEach
from dag_factory.config.places import Path
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Node, Scalar, Sequence, entries, is_set, plain, whole
from dag_factory.settings import BOUNDS


def for_each(node: Node) -> ForEach:
    """The model of a ``for_each`` that fits its schema."""
    said = {key: item for key, item in entries(node).items() if is_set(item)}
    items, most = said.get("list"), said.get("max_parallel")
    return ForEach(
        variable=_text(said.get("as")),
        output=_text(said.get("output")) or None,
        items=tuple(item_text(runtime.unwrapped(item)) for item in items.items)
        if isinstance(items, Sequence)
        else None,
        max_parallel=whole(most),
    )


def item_text(node: Node) -> str:
    """An item as its variable has it: text and numbers as written, everything else as JSON."""
    if isinstance(node, Scalar) and node.value is not None and not isinstance(node.value, bool):
        return node.text
    return json.dumps(plain(node), ensure_ascii=False)


def check(node: Node | None, env: Node | None, path: Path) -> Iterator[Problem]:
    """What is wrong with a ``for_each`` by itself, and beside the job's ``env``."""
    said = entries(node)
    items, variable = said.get("list"), said.get("as")
    if isinstance(items, Sequence) and len(items.items) > BOUNDS.items:
        message = f"the list has {len(items.items):,} items, more than {BOUNDS.items:,}"
        hint = "let one instance work on several items: a list of lists"
        yield Problem.at(items.mark, (*path, "list"), "too-many-items", message, hint)
    name = _text(variable)
    if variable is not None and name and is_set(entries(env).get(name)):
        message = f"the variable `{name}` is set under `env` too"
        hint = f"choose another name, or unset it: `env: {{{name}: null}}`"
        yield Problem.at(variable.mark, (*path, "as"), "variable-taken", message, hint)


def check_source(
    node: Node | None, path: Path, tasks: MappingT[str, tuple[str, ...]], matrices: Set[str], with_output: Set[str]
) -> Iterator[Problem]:
    """What is wrong with the job whose output is the list; one that is unknown, or the job itself, is told with
    the graph.

    ``tasks`` has the tasks that each name stands for, ``matrices`` the jobs that have several.
    """
    source = entries(node).get("output")
    if not isinstance(source, Scalar) or source.dynamic or source.text not in tasks or source.text == path[1]:
        return
    path = (*path, "output")
    if source.text in matrices:
        message = f"`{source.text}` has a matrix, so that it has an output for each cell"
        hint = f"name one cell, as `{tasks[source.text][0]}`"
        yield Problem.at(source.mark, path, "bad-for-each", message, hint)
    elif not with_output >= set(tasks[source.text]):
        message, hint = f"the job `{source.text}` has no output", f"add `output: json` to the job `{source.text}`"
        yield Problem.at(source.mark, path, "no-output", message, hint)


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) and node.value is not None else ""
