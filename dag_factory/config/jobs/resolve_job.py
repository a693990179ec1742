"""Resolve the layers of a job to one tree: merge them, insert the retry rule, and compute the expressions."""

from __future__ import annotations

import msgspec

from dag_factory.config.guard_rules import NONE, Guards
from dag_factory.config.jobs.job_layers import CALL_KEYS, SCHEMA, JobLayers, merge_layers
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.platform import images, retries
from dag_factory.config.platform.hardening import harden_job
from dag_factory.config.positions import Position
from dag_factory.config.source import documents
from dag_factory.config.tree import MapNode, Scalar, is_set, map_node, without


class ResolvedJob(msgspec.Struct, frozen=True):
    """The tree of a job, and the name of the retry rule whose keys it has (empty if it names none)."""

    tree: MapNode
    retry_rule: str


def resolve(layers: JobLayers, scope: Scope) -> ResolvedJob:
    """Merge the layers and compute all expressions; report what does not fit the schema."""
    flavor = layers.flavor.entry.layer if layers.flavor else None
    merged = merge_layers([flavor, layers.template, layers.own], layers.base)
    merged, rule = _with_retry_rule(without(merged, *CALL_KEYS), scope)
    tree = scope.value(documents.compute(merged, scope.context, *SCHEMA, path=scope.path, keep=True))
    tree = images.apply_mirrors(tree, scope.tables.mirrors)
    return ResolvedJob(_with_required_values(tree, scope.tables.guards), rule)


def _with_retry_rule(merged: MapNode, scope: Scope) -> tuple[MapNode, str]:
    """The tree with the keys of its retry rule, and the rule's name."""
    value = merged.get("retries")
    path = (*scope.path, "retries")
    rule, name, problems = retries.resolve_rule(value, scope.tables.retries, scope.context, path)
    scope.report(problems)
    if rule is value:
        return merged, name
    rest = without(merged, "retries")
    if rule is None:
        return rest, name
    return map_node({**rest.entries, "retries": rule}, merged.keys, merged.position), name


def _with_required_values(tree: MapNode, guards: Guards) -> MapNode:
    """The tree with the timeout and the security settings that the platform requires and the job does not set."""
    if guards == NONE:
        return tree
    longest = guards.bounds.get("timeout")
    if longest and not is_set(tree.get("timeout")):
        timeout = Scalar(longest.text, longest.text, Position(longest.file, longest.line))
        tree = map_node({**tree.entries, "timeout": timeout}, {**tree.keys, "timeout": timeout.position}, tree.position)
    level = guards.pod_security
    if level and level.words[0] == "restricted":
        tree = harden_job(tree, Position(level.file, level.line))
    return tree
