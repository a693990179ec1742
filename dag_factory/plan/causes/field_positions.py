"""Where the layers of a pipeline set a field of a plan: from the path of the field to positions in files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.model import Fragment, Job, Pipeline
from dag_factory.config.pipelines.compile_pipeline import ResolvedPipeline
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar
from dag_factory.explain.field_paths import KEYS, tokens
from dag_factory.explain.pod_fields import setting_key


class Positions(msgspec.Struct, frozen=True):
    """Where one side sets a field: ``exact`` are the positions of its value, the most exact one first.

    If the side does not set the field itself, ``near`` are those of what comes closest.
    """

    exact: tuple[Position, ...] = ()
    near: tuple[Position, ...] = ()


def positions(whole: ResolvedPipeline, pipeline: Pipeline, job: str, path: str) -> Positions:
    """The positions of a field on one side. ``job`` is empty for a field of the DAG itself."""
    tree = whole.tree
    if not job:
        return _find(tree, tuple(tokens(path)))
    node = tree.map("jobs").get(job)
    return _find(node, job_path(pipeline, job, path, node)) if isinstance(node, MapNode) else Positions()


def job_path(pipeline: Pipeline, job: str, path: str, node: MapNode) -> KeyPath:
    """The path in the tree of a job that sets a field."""
    steps = tokens(path)
    if steps[0] not in ("spec", "metadata"):
        return tuple(steps)
    model = next((one for one in pipeline.jobs if one.name == job), None)
    if model is None:
        return ()
    pod = final_pod(model, pipeline.cluster)
    found = _in_pod(pod, steps)
    return _own_path(pod, model, node, found, steps)


def _own_path(pod: Fragment, job: Job, node: MapNode, found: KeyPath, steps: list[str]) -> KeyPath:
    own = setting_key(found, pod, job, node)
    rest = steps[len(found) :]
    if own and own[0] == "env" and "name" not in rest:
        return own
    return (*own, *rest) if own else ()


def _in_pod(pod: Fragment, steps: list[str]) -> KeyPath:
    """The part of a path that exists in a pod, with indexes for the names of items."""
    here: Any = pod
    found: list[str | int] = []
    for step in steps:
        if isinstance(here, dict) and step in here:
            here = here[step]
            found.append(step)
        elif isinstance(here, list):
            key = KEYS.get(str(found[-1]) if found else "", "name")
            index = next(
                (index for index, item in enumerate(here) if isinstance(item, dict) and str(item.get(key)) == step),
                int(step) if step.isdecimal() and int(step) < len(here) else None,
            )
            if index is None:
                break
            here = here[index]
            found.append(index)
        else:
            break
    return tuple(found)


def _find(node: Node, path: KeyPath) -> Positions:
    """The positions of the value at a path, with those of its key and of all values in it.

    A path may lead further than the tree: a single value may set several fields.
    """
    here, key = node, None
    reached = 0
    for step in path:
        inner: Node | None = None
        if isinstance(here, MapNode):
            inner, key = here.entries.get(str(step)), here.keys.get(str(step)) or key
        elif isinstance(here, ListNode):
            index = _index(here, step)
            inner = here.items[index] if index is not None else None
        if inner is None:
            break
        here = inner
        reached += 1
    if not reached:
        return Positions()
    found = tuple(_below(here))
    if reached == len(path) or isinstance(here, Scalar):
        return Positions((*found, here.position, *((key,) if key else ())))
    return Positions(near=found)


def _index(node: ListNode, step: str | int) -> int | None:
    if isinstance(step, int) or step.isdecimal():
        return int(step) if int(step) < len(node.items) else None
    for index, item in enumerate(node.items):
        if isinstance(item, MapNode) and any(value.text == step for value in _scalars(item)):
            return index
    return None


def _scalars(node: MapNode) -> Iterator[Scalar]:
    return (item for item in node.entries.values() if isinstance(item, Scalar))


def _below(node: Node) -> Iterator[Position]:
    if isinstance(node, MapNode):
        for key, inner in node.entries.items():
            yield from _below(inner)
            if position := node.keys.get(key):
                yield position
    elif isinstance(node, ListNode):
        for inner in node.items:
            yield from _below(inner)
    else:
        yield node.position
