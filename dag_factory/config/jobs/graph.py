"""Dependencies between jobs, and their errors: unknown names, a job that depends on itself, cycles."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from collections.abc import Sequence as SequenceT
from typing import NamedTuple

import msgspec

from dag_factory.config.ids import JobName, TaskId
from dag_factory.config.jobs.compile_job import CompiledJob
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import Node, Scalar, items_of


class Edge(NamedTuple):
    """Where a dependency is written."""

    position: Position
    path: KeyPath


_REMOVE = "remove the name from the list"
Edges = dict[TaskId, dict[TaskId, Edge]]
"""For each task the tasks that it waits for."""


class JobGraph(msgspec.Struct, frozen=True):
    """The jobs of a pipeline, and which waits for which.

    ``tasks`` holds the tasks of each name that a job can be referred to by: one, or all cells of its matrix.
    ``sources`` holds the name in the file of each task's job. ``edges`` may lead to unknown names; later stages add
    edges to it.
    """

    jobs: SequenceT[CompiledJob]
    tasks: dict[str, tuple[TaskId, ...]]
    sources: dict[TaskId, JobName]
    edges: Edges


def connect(jobs: SequenceT[CompiledJob]) -> JobGraph:
    """The graph of the dependencies that the jobs name."""
    sources = {job.name: job.source_name for job in jobs}
    cells: dict[str, tuple[TaskId, ...]] = {}
    for task, name in sources.items():
        cells[name] = (*cells.get(name, ()), task)
    tasks: dict[str, tuple[TaskId, ...]] = {task: (task,) for task in sources}
    tasks |= cells
    return JobGraph(jobs, tasks, sources, {job.name: _edges(job, tasks) for job in jobs})


def _edges(job: CompiledJob, tasks: MappingT[str, tuple[TaskId, ...]]) -> dict[TaskId, Edge]:
    edges: dict[TaskId, Edge] = {}
    for name, position, path in _dependencies(job):
        # a job that names itself is one error, not one for each cell of its matrix
        for task in (job.name,) if name == job.source_name else tasks.get(name, (TaskId(name),)):
            edges.setdefault(task, Edge(position, path))
    return edges


def _dependencies(job: CompiledJob) -> Iterator[tuple[str, Position, KeyPath]]:
    path: KeyPath = ("jobs", job.source_name)
    yield from _list_items(job.node.get("depends_on"), (*path, "depends_on"))
    listed = job.node.map("for_each").get("output")
    if isinstance(listed, Scalar) and listed.value is not None:
        yield listed.text, listed.position, (*path, "for_each", "output")
    yield from teardown_of(job)


def teardown_of(job: CompiledJob) -> Iterator[tuple[str, Position, KeyPath]]:
    """The names of the jobs that a teardown is for, with their positions."""
    of = job.node.map("teardown").get("of")
    path: KeyPath = ("jobs", job.source_name, "teardown", "of")
    if isinstance(of, Scalar):
        yield of.text, of.position, path
    yield from _list_items(of, path)


def _list_items(node: Node | None, path: KeyPath) -> Iterator[tuple[str, Position, KeyPath]]:
    """Each name in a list of jobs, with its position."""
    for index, item in enumerate(items_of(node)):
        if isinstance(item, Scalar):
            yield item.text, item.position, (*path, index)


def check(graph: JobGraph) -> Iterator[Problem]:
    """Every wrong edge, and each cycle once, in the names of the file."""
    sources, edges = graph.sources, graph.edges
    for name, waits_for in edges.items():
        for other, edge in waits_for.items():
            if other == name:
                message, hint = f"the job `{sources[name]}` depends on itself", _REMOVE
                yield Problem.at(edge.position, edge.path, "depends-on-itself", message, hint)
            elif other not in edges:
                hint = did_you_mean(other, [job for job in graph.tasks if job not in (name, sources[name])]) or _REMOVE
                yield Problem.at(edge.position, edge.path, "unknown-job", f"unknown job `{other}`", hint)
    for cycle in _cycles(edges):
        names: list[str] = [sources[task] for task in cycle]
        if len(set(names)) < len(names):  # between the cells of one matrix
            names = [*cycle]
        message = f"the jobs depend on each other in a cycle: {' -> '.join([*names, names[0]])}"
        edge = edges[cycle[0]][cycle[1]]
        yield Problem.at(edge.position, edge.path, "dependency-cycle", message, "remove one of these dependencies")


def upstream(edges: Edges, task: TaskId) -> set[TaskId]:
    """Every task that ends before this one starts."""
    seen: set[TaskId] = set()
    waiting = list(edges.get(task, ()))
    while waiting:
        other = waiting.pop()
        if other not in seen and other in edges:
            seen.add(other)
            waiting += edges[other]
    return seen


def _cycles(edges: Edges) -> Iterator[list[TaskId]]:
    """Cycles that share no task, at least one in each cyclic part; each begins with its first task in the file.

    The walk uses no recursion: a chain of jobs can be longer than Python's stack.
    """
    order = {name: index for index, name in enumerate(edges)}
    done: set[TaskId] = set()
    reported: set[TaskId] = set()
    for start in edges:
        if start in done:
            continue
        trail = [start]
        on_trail = {start}
        stack = [(start, iter(edges[start]))]
        while stack:
            name, others = stack[-1]
            following = next(others, None)
            if following is None:
                stack.pop()
                trail.pop()
                on_trail.discard(name)
                done.add(name)
            elif following in on_trail:
                # a task that waits for itself is reported as such
                if following != name and reported.isdisjoint(cycle := trail[trail.index(following) :]):
                    reported.update(cycle)
                    first = cycle.index(min(cycle, key=order.__getitem__))
                    yield [*cycle[first:], *cycle[:first]]
            elif following in edges and following not in done:
                stack.append((following, iter(edges[following])))
                trail.append(following)
                on_trail.add(following)
