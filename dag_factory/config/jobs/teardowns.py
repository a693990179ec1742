"""Jobs that remove what other jobs set up: ``teardown: {of: cluster}``.

A teardown runs once all users of the setup have ended, in any state. The users are the jobs that follow the job that
sets up; the pipeline need not list them.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT

from dag_factory.config.ids import TaskId
from dag_factory.config.jobs.graph import Edge, JobGraph, teardown_of, upstream
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.tree import is_set, key_position, to_python

RULE = "all_success"


def find_setups(graph: JobGraph) -> dict[TaskId, tuple[TaskId, ...]]:
    """The setup tasks of each teardown task."""
    found: dict[TaskId, tuple[TaskId, ...]] = {}
    for job in graph.jobs:
        tasks = [task for name, _, _ in teardown_of(job) for task in graph.tasks.get(name, ()) if task != job.name]
        if tasks:
            found[job.name] = tuple(dict.fromkeys(tasks))
    return found


def wait_for_users(graph: JobGraph, setups_of: MappingT[TaskId, tuple[TaskId, ...]]) -> None:
    """Add the edges of teardowns that do not set ``depends_on``.

    Such a teardown waits for the last of the jobs that follow its setups; other teardowns, and jobs that follow this
    one, do not count.
    """
    before = {job.name: upstream(graph.edges, job.name) for job in graph.jobs} if setups_of else {}
    for job in graph.jobs:
        setup = setups_of.get(job.name)
        if not setup or is_set(job.node.get("depends_on")):
            continue
        users = [
            name
            for name, earlier in before.items()
            if name not in setups_of and job.name not in earlier and not earlier.isdisjoint(setup)
        ]
        last = [name for name in users if not any(name in before[other] for other in users)]
        path: KeyPath = ("jobs", job.source_name, "teardown")
        for name in last:
            position = key_position(job.node, "teardown") or job.position
            graph.edges[job.name].setdefault(name, Edge(position, path))


def check(graph: JobGraph, setups_of: MappingT[TaskId, tuple[TaskId, ...]]) -> Iterator[Problem]:
    """Problems that Airflow rejects: a trigger rule where it has its own, and a teardown of a teardown."""
    teardown_of_setup = {setup: name for name, tasks in setups_of.items() for setup in tasks}
    for job in graph.jobs:
        path: KeyPath = ("jobs", job.source_name)
        rule = job.node.get("trigger_rule")
        if job.name in setups_of:
            if is_set(rule):
                message = f"the teardown `{job.source_name}` has a fixed trigger rule, so `trigger_rule` is not allowed"
                hint = "remove `trigger_rule` or `teardown`"
                yield Problem.at(rule.position, (*path, "trigger_rule"), "teardown-with-rule", message, hint)
            for name, position, place in teardown_of(job):
                if any(task in setups_of and task != job.name for task in graph.tasks.get(name, ())):
                    message = f"`{name}` is itself a teardown, so it cannot have a teardown"
                    yield Problem.at(
                        position, place, "bad-teardown", message, "name the job that creates what this job removes"
                    )
        elif is_set(rule) and to_python(rule) != RULE:
            setup = next((task for task in graph.edges[job.name] if task in teardown_of_setup), None)
            if setup is not None:
                first, last = graph.sources[setup], graph.sources[teardown_of_setup[setup]]
                message = (
                    f"the job `{job.source_name}` follows `{first}`, whose teardown is `{last}`; "
                    f"its `trigger_rule` must be {RULE}"
                )
                hint = f"remove `trigger_rule`, or depend on a job that follows `{first}`"
                yield Problem.at(rule.position, (*path, "trigger_rule"), "rule-after-setup", message, hint)
