"""A job's final pod checked against the limits that hold for it: breaches as problems in the YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dag_factory.config.final_pod import final_pod
from dag_factory.config.guards.check import breaches
from dag_factory.config.guards.positions import position
from dag_factory.config.guards.rules import Guards
from dag_factory.config.model import Cluster, Flavor, Job
from dag_factory.config.places import Mark, Path
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, mark_at


def check(
    job: Job, node: Mapping, cluster: Cluster, guards: Guards, known: Iterable[Flavor], mark: Mark, path: Path
) -> Iterator[Problem]:
    """A problem for each breach, where the file sets what breaks the rule.

    ``node`` is the job's resolved tree, ``mark`` and ``path`` the job's own place; ``known`` are flavors to propose.
    """
    pod = final_pod(job, cluster)
    for breach in breaches(pod, job, guards, known):
        own = breach.key and breach.key in node.entries
        where: Path = (breach.key,) if own else position(breach.path, pod, job, node)
        place = mark_at(node, where) if where else mark
        yield Problem.at(place, (*path, *where), breach.code, breach.message, breach.hint, breach.severity)
