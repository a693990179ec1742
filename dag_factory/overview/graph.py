"""The graph of a pipeline: its jobs in steps, with the cells of a matrix as one node."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.config.model import ForEach, Job, Pipeline


class Node(msgspec.Struct, frozen=True):
    """A job, or all cells of a matrix. ``group`` is a path of groups; ``items`` says what a mapped job runs for.

    ``after`` are the nodes that it waits for; ``cleans_up`` the setups that it is the teardown of.
    """

    name: str
    jobs: int
    matrix: bool
    group: str
    items: str
    after: tuple[str, ...]
    cleans_up: tuple[str, ...]
    setup: bool
    trigger_rule: str
    when: str


class Group(msgspec.Struct, frozen=True):
    """A group of jobs; ``items`` says what a mapped group runs for."""

    path: str
    items: str


class Graph(msgspec.Struct, frozen=True):
    """``steps`` are the nodes by the longest way from a first job: a node waits only for nodes of earlier steps."""

    id: str
    environment: str
    jobs: int
    groups: tuple[Group, ...]
    steps: tuple[tuple[Node, ...], ...]


def make_graph(pipeline: Pipeline) -> Graph:
    """The graph of a pipeline. Its jobs have no cycle."""
    names = {cell: name for name, cells in pipeline.cells.items() for cell in cells}
    setups = {names.get(name, name) for job in pipeline.jobs for name in job.teardown_of}
    members: dict[str, list[Job]] = {}
    for job in pipeline.jobs:
        members.setdefault(names.get(job.name, job.name), []).append(job)
    nodes = [_node(name, jobs, names, setups, matrix=name in pipeline.cells) for name, jobs in members.items()]
    paths = sorted({path for job in pipeline.jobs if job.group for path in _parents(job.group)})
    groups = tuple(Group(path, _items(pipeline.groups.get(path))) for path in paths)
    return Graph(pipeline.id, pipeline.environment, len(pipeline.jobs), groups, _steps(nodes))


def _node(name: str, jobs: list[Job], names: dict[str, str], setups: set[str], matrix: bool) -> Node:
    first = jobs[0]
    cleans_up = _folded((other for job in jobs for other in job.teardown_of), names, name)
    after = _folded((other for job in jobs for other in job.depends_on), names, name)
    return Node(
        name=name,
        jobs=len(jobs),
        matrix=matrix,
        group=first.group or "",
        items=_items(first.for_each),
        after=tuple(other for other in after if other not in cleans_up),
        cleans_up=cleans_up,
        setup=name in setups,
        trigger_rule="" if first.trigger_rule == "all_success" or cleans_up else first.trigger_rule,
        when=" / ".join(dict.fromkeys(job.when for job in jobs if job.when)),
    )


def _folded(others: Iterable[str], names: dict[str, str], name: str) -> tuple[str, ...]:
    """The nodes of some jobs, each once."""
    return tuple(sorted({names.get(other, other) for other in others} - {name}))


def _items(source: ForEach | None) -> str:
    if source is None:
        return ""
    if source.output is not None:
        return f"each item of the output of {'.'.join((source.output, *source.path))}"
    if source.param is not None:
        return f"each item of the param {source.param}"
    return f"each of {len(source.items or ())} items"


def _parents(path: str) -> list[str]:
    """A path of groups and all paths that contain it: ``a.b`` is in ``a``."""
    steps = path.split(".")
    return [".".join(steps[:length]) for length in range(1, len(steps) + 1)]


def _steps(nodes: list[Node]) -> tuple[tuple[Node, ...], ...]:
    by_name = {node.name: node for node in nodes}
    waiting = {node.name: {one for one in (*node.after, *node.cleans_up) if one in by_name} for node in nodes}
    steps: list[tuple[Node, ...]] = []
    done: set[str] = set()
    while waiting:
        ready = [name for name, others in waiting.items() if others <= done] or list(waiting)
        steps.append(tuple(by_name[name] for name in ready))
        done.update(ready)
        for name in ready:
            del waiting[name]
    return tuple(steps)
