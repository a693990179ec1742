"""The environments of a pipeline file: ``only``, and values for one environment under ``environments``."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.jobs.scope import Scope
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import (
    ListNode,
    MapNode,
    Scalar,
    at,
    entries_of,
    is_null,
    items_of,
    map_node,
    to_python,
    without,
)

SCHEMA = "pipeline.schema.json"


def only_environments(document: MapNode | None) -> tuple[str, ...]:
    """The environments that the file exists in; empty for all."""
    node = document.get("only") if document else None
    return tuple(map(str, to_python(node))) if isinstance(node, ListNode) else ()


def exists_in(document: MapNode, environment: str) -> bool:
    """Whether the pipelines of a file exist in an environment."""
    node = document.get("only")
    return not isinstance(node, ListNode) or environment in to_python(node)


def check_names(document: MapNode, known: tuple[str, ...]) -> Iterator[Problem]:
    """Unknown environments under ``only`` and ``environments``."""
    only = document.get("only")
    for index, item in enumerate(items_of(only)):
        if isinstance(item, Scalar) and item.value not in known:
            message, hint = f"unknown environment `{item.text}`", did_you_mean(item.text, known)
            yield Problem.at(item.position, ("only", index), "unknown-environment", message, hint)
    overlays = document.get("environments")
    for name in entries_of(overlays):
        if name not in known and isinstance(overlays, MapNode):
            message, hint = f"unknown environment `{name}`", did_you_mean(name, known)
            yield Problem.at(overlays.keys[name], ("environments", name), "unknown-environment", message, hint)


def with_overlay(document: MapNode, scope: Scope) -> MapNode:
    """The document with its own values for this environment merged over the others."""
    environment = scope.tables.environment
    path = ("environments", environment)
    overlay = at(document, path)
    base = without(document, "environments")
    if not isinstance(overlay, MapNode):
        return base
    known = entries_of(document.get("jobs"))
    overlay_jobs = overlay.get("jobs")
    if known and overlay_jobs is not None and is_null(overlay_jobs):
        message = f"`jobs: null` would remove all jobs in `{environment}`"
        hint = "remove single jobs with `jobs: {report: null}`, or remove the environment from `only`"
        scope.error("no-jobs", message, hint, overlay.keys["jobs"], *path, "jobs")
        overlay = without(overlay, "jobs")
    for name, node in entries_of(overlay_jobs).items():
        if is_null(node) and name not in known and isinstance(overlay_jobs, MapNode):
            message, hint = f"there is no job `{name}` to remove", did_you_mean(name, known) or "remove this entry"
            scope.error("unknown-job", message, hint, overlay_jobs.keys[name], *path, "jobs", name)
    merged = merge(base, overlay, shape(SCHEMA), unset=False)
    assert isinstance(merged, MapNode)
    jobs = merged.get("jobs")
    if not isinstance(jobs, MapNode):
        return merged
    removed = [name for name, node in jobs.entries.items() if is_null(node)]
    return map_node({**merged.entries, "jobs": without(jobs, *removed)}, merged.keys, merged.position)
