"""Names of task groups, which Airflow keeps in one namespace with the names of jobs."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.jobs.graph import JobGraph
from dag_factory.config.model import group_id
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Scalar


def check(graph: JobGraph) -> Iterator[Problem]:
    """A group named like a job, or like another group once dots are replaced by what Airflow allows."""
    paths: dict[str, str] = {}
    for job in graph.jobs:
        group = job.node.get("group")
        if not isinstance(group, Scalar) or group.value is None or group.dynamic:
            continue
        steps = group.text.split(".")
        place = ("jobs", job.source_name, "group")
        for length in range(1, len(steps) + 1):
            path = ".".join(steps[:length])
            name = group_id(path)
            if name in graph.tasks:
                message = f"a job and a group are both named `{name}`"
                yield Problem.at(group.position, place, "group-name-taken", message, "give the group another name")
            elif paths.setdefault(name, path) != path:
                message = f"Airflow cannot distinguish the groups `{paths[name]}` and `{path}`"
                yield Problem.at(group.position, place, "group-name-taken", message, "give one of them another name")
