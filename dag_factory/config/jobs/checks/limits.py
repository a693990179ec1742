"""Limits of the platform that a pipeline breaks, as problems at their positions in the YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dag_factory.config.guard_rules import Guards
from dag_factory.config.guards import allow_lists, bounds
from dag_factory.config.guards.check import breaches
from dag_factory.config.guards.yaml_paths import yaml_path
from dag_factory.config.model import Cluster, Flavor, Job, Pipeline
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.pod.references import named_reference
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, Node, Scalar, key_position, position_at


def check(
    job: Job,
    node: MapNode,
    cluster: Cluster,
    guards: Guards,
    known: Iterable[Flavor],
    position: Position,
    path: KeyPath,
) -> Iterator[Problem]:
    """A problem for each breach, at the value that breaks the rule.

    ``node`` is the job's resolved tree at ``position`` and ``path``; ``known`` are the flavors to suggest.
    """
    pod = final_pod(job, cluster)
    for breach in breaches(pod, job, guards, known):
        own = breach.key and breach.key in node.entries
        where: KeyPath = (breach.key,) if own else yaml_path(breach.path, pod, job, node)
        place = position_at(node, where) if where else position
        yield Problem.at(place, (*path, *where), breach.code, breach.message, breach.hint, breach.severity)


def check_names(kind: str, names: Iterable[Node | None], guards: Guards, path: KeyPath) -> Iterator[Problem]:
    """A problem for each preset or template that an allow-list lacks; ``names`` are the values at ``path``."""
    if kind not in guards.allow:
        return
    for name in names:
        if isinstance(name, Scalar) and name.value is not None:
            for breach in allow_lists.check(named_reference(kind, name.text), guards):
                yield Problem.at(name.position, path, breach.code, breach.message, breach.hint)


def check_pipeline(pipeline: Pipeline, tree: MapNode, position: Position) -> Iterator[Problem]:
    """A problem for each limit that a pipeline as a whole exceeds; ``position`` is that of its ``tree``."""
    for breach in bounds.pipeline_breaches(pipeline, pipeline.guards):
        found = tree.get(breach.key)
        place = found.position if isinstance(found, Scalar) else key_position(tree, breach.key) or position
        yield Problem.at(place, (breach.key,), breach.code, breach.message, breach.hint)
