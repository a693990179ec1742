"""Jobs that take down what others set up: ``teardown: {of: cluster}``.

A teardown runs once everything that uses what was set up has ended, however that ended. What that is need not
be said: it is every job that follows the one that sets up.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT

from dag_factory.config.jobs.graph import Edge, JobGraph, teardown_of, upstream
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.tree import is_set, key_position, to_python

RULE = "all_success"


def setups(graph: JobGraph) -> dict[str, tuple[str, ...]]:
    """The tasks that each teardown takes down, by its own task."""
    found: dict[str, tuple[str, ...]] = {}
    for job in graph.jobs:
        tasks = [task for name, _, _ in teardown_of(job) for task in graph.tasks.get(name, ()) if task != job.name]
        if tasks:
            found[job.name] = tuple(dict.fromkeys(tasks))
    return found


def wait_for_users(graph: JobGraph, taken_down: MappingT[str, tuple[str, ...]]) -> None:
    """Add the edges of teardowns that do not set ``depends_on``.

    Such a teardown waits for the last of all jobs that follow those it takes down; other teardowns, and jobs that
    follow this one, do not count.
    """
    before = {job.name: upstream(graph.edges, job.name) for job in graph.jobs} if taken_down else {}
    for job in graph.jobs:
        setup = taken_down.get(job.name)
        if not setup or is_set(job.node.get("depends_on")):
            continue
        users = [
            name
            for name, earlier in before.items()
            if name not in taken_down and job.name not in earlier and not earlier.isdisjoint(setup)
        ]
        last = [name for name in users if not any(name in before[other] for other in users)]
        path: KeyPath = ("jobs", job.source_name, "teardown")
        for name in last:
            position = key_position(job.node, "teardown") or job.position
            graph.edges[job.name].setdefault(name, Edge(position, path))


def check(graph: JobGraph, taken_down: MappingT[str, tuple[str, ...]]) -> Iterator[Problem]:
    """What Airflow does not take: rules where it has its own, and a teardown that is taken down."""
    set_up = {setup: name for name, tasks in taken_down.items() for setup in tasks}
    for job in graph.jobs:
        path: KeyPath = ("jobs", job.source_name)
        rule = job.node.get("trigger_rule")
        if job.name in taken_down:
            if is_set(rule):
                message = f"the teardown `{job.source_name}` runs whatever happened, and has no rule beside that"
                hint = "leave `trigger_rule` out, or `teardown`"
                yield Problem.at(rule.position, (*path, "trigger_rule"), "teardown-with-rule", message, hint)
            for name, position, place in teardown_of(job):
                if any(task in taken_down and task != job.name for task in graph.tasks.get(name, ())):
                    message = f"`{name}` is a teardown itself, which nothing takes down"
                    yield Problem.at(position, place, "bad-teardown", message, "name the job that sets something up")
        elif is_set(rule) and to_python(rule) != RULE:
            setup = next((task for task in graph.edges[job.name] if task in set_up), None)
            if setup is not None:
                first, last = graph.sources[setup], graph.sources[set_up[setup]]
                message = (
                    f"the job `{job.source_name}` follows `{first}`, which `{last}` takes down: its rule is {RULE}"
                )
                hint = f"leave `trigger_rule` out, or wait for a job that follows `{first}`"
                yield Problem.at(rule.position, (*path, "trigger_rule"), "rule-after-setup", message, hint)
