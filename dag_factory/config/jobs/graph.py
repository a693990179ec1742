"""Which job waits for which: unknown names, a job that waits for itself, cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from dag_factory.config.jobs.compile_job import CompiledJob
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import Node, Scalar, items_of


class Edge(NamedTuple):
    """Where a job says that it waits for another."""

    position: Position
    path: KeyPath


Edges = dict[str, dict[str, Edge]]
"""For each job the jobs that it waits for, by the names of their tasks."""


class Names(msgspec.Struct, frozen=True):
    """What the jobs of a pipeline are called.

    ``tasks`` has for each name the tasks that it stands for: one, or for a job with a matrix all of its cells;
    ``written`` has for each task its job's name in the file.
    """

    tasks: dict[str, tuple[str, ...]]
    written: dict[str, str]


def names(jobs: Iterable[CompiledJob]) -> Names:
    """Every name by which a job may be called."""
    written = {job.name: job.written for job in jobs}
    found: dict[str, tuple[str, ...]] = {}
    for task, name in written.items():
        found[name] = (*found.get(name, ()), task)
    return Names({**{task: (task,) for task in written}, **found}, written)


def edges(jobs: Iterable[CompiledJob], called: Names) -> Edges:
    """What every job says that it waits for, names known or not."""
    found: Edges = {}
    for job in jobs:
        waits_for = found.setdefault(job.name, {})
        for name, position, path in _said(job):
            # its own name and all cells of its own matrix are one mistake, told once
            tasks = (job.name,) if name == job.written else called.tasks.get(name, (name,))
            for task in tasks:
                waits_for.setdefault(task, Edge(position, path))
    return found


def _said(job: CompiledJob) -> Iterator[tuple[str, Position, KeyPath]]:
    path: KeyPath = ("jobs", job.written)
    yield from _named(job.node.get("depends_on"), (*path, "depends_on"))
    listed = job.node.map("for_each").get("output")
    if isinstance(listed, Scalar) and listed.value is not None:
        yield listed.text, listed.position, (*path, "for_each", "output")
    yield from teardown_of(job)


def teardown_of(job: CompiledJob) -> Iterator[tuple[str, Position, KeyPath]]:
    """The names of the jobs that a teardown takes down, with their places."""
    said = job.node.map("teardown").get("of")
    path: KeyPath = ("jobs", job.written, "teardown", "of")
    if isinstance(said, Scalar):
        yield said.text, said.position, path
    yield from _named(said, path)


def _named(node: Node | None, path: KeyPath) -> Iterator[tuple[str, Position, KeyPath]]:
    """Each job's name in a list of them, with its place."""
    for index, item in enumerate(items_of(node)):
        if isinstance(item, Scalar):
            yield item.text, item.position, (*path, index)


def check(found: Edges, called: Names | None = None) -> Iterator[Problem]:
    """Every wrong edge; each cycle once, spelled out in the names of the file."""
    tasks = called.tasks if called else dict.fromkeys(found, ())
    written = called.written if called else {name: name for name in found}
    for name, waits_for in found.items():
        for other, edge in waits_for.items():
            if other == name:
                message = f"the job `{written[name]}` depends on itself"
                yield Problem.at(
                    edge.position, edge.path, "depends-on-itself", message, "remove the name from the list"
                )
            elif other not in found:
                hint = did_you_mean(other, [job for job in tasks if job not in (name, written[name])])
                yield Problem.at(edge.position, edge.path, "unknown-job", f"unknown job `{other}`", hint)
    for cycle in _cycles(found):
        around = [written[name] for name in cycle]
        if len(set(around)) < len(around):  # between the cells of one matrix
            around = cycle
        message = f"the jobs wait for each other in a circle: {' -> '.join([*around, around[0]])}"
        edge = found[cycle[0]][cycle[1]]
        yield Problem.at(edge.position, edge.path, "dependency-cycle", message, "remove one of these dependencies")


def upstream(found: Edges, name: str) -> set[str]:
    """Every job that ends before this one starts."""
    seen: set[str] = set()
    waiting = list(found.get(name, ()))
    while waiting:
        job = waiting.pop()
        if job not in seen and job in found:
            seen.add(job)
            waiting += found[job]
    return seen


def _cycles(found: Edges) -> Iterator[list[str]]:
    """Cycles that share no job, one at least for each knot of the graph; the first job of the file leads.

    The walk needs no recursion.
    """
    order = {name: index for index, name in enumerate(found)}
    done: set[str] = set()
    told: set[str] = set()
    for start in found:
        trail: list[str] = []
        inside: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = []
        if start in done:
            continue
        stack.append((start, iter(found[start])))
        trail.append(start)
        inside.add(start)
        while stack:
            name, others = stack[-1]
            following = next(others, None)
            if following is None:
                stack.pop()
                trail.pop()
                inside.discard(name)
                done.add(name)
            elif following in inside:
                # one job alone is told as a job that depends on itself
                if following != name and told.isdisjoint(cycle := trail[trail.index(following) :]):
                    told.update(cycle)
                    first = cycle.index(min(cycle, key=order.__getitem__))
                    yield [*cycle[first:], *cycle[:first]]
            elif following in found and following not in done:
                stack.append((following, iter(found[following])))
                trail.append(following)
                inside.add(following)
