"""Which job waits for which: unknown names, a job that waits for itself, cycles."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT

from dag_factory.config.places import Mark
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, Node, Scalar, Sequence
from dag_factory.config.wording import did_you_mean

Edges = dict[str, dict[str, Mark]]
"""For each job the jobs that it waits for, with the place where it says so."""


def edges(jobs: MappingT[str, Mapping]) -> Edges:
    """The ``depends_on`` of every job, names known or not."""
    return {name: _waits_for(node.entries.get("depends_on")) for name, node in jobs.items()}


def _waits_for(node: Node | None) -> dict[str, Mark]:
    items = node.items if isinstance(node, Sequence) else ()
    return {str(item.value): item.mark for item in items if isinstance(item, Scalar)}


def check(found: Edges) -> Iterator[Problem]:
    """Every wrong edge; each cycle once, spelled out."""
    for name, waits_for in found.items():
        for index, (other, mark) in enumerate(waits_for.items()):
            path = ("jobs", name, "depends_on", index)
            if other == name:
                message = f"the job `{name}` depends on itself"
                yield Problem.at(mark, path, "depends-on-itself", message, "remove the name from the list")
            elif other not in found:
                hint = did_you_mean(other, [job for job in found if job != name])
                yield Problem.at(mark, path, "unknown-job", f"unknown job `{other}`", hint)
    for cycle in _cycles(found):
        first, second = cycle[0], cycle[1]
        around = " -> ".join([*cycle, first])
        message = f"the jobs wait for each other in a circle: {around}"
        path = ("jobs", first, "depends_on", list(found[first]).index(second))
        yield Problem.at(found[first][second], path, "dependency-cycle", message, "remove one of these dependencies")


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
    """One cycle for each knot of the graph, by a walk that needs no recursion."""
    done: set[str] = set()
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
                if following != name:  # told as a job that depends on itself
                    yield trail[trail.index(following) :]
            elif following in found and following not in done:
                stack.append((following, iter(found[following])))
                trail.append(following)
                inside.add(following)
