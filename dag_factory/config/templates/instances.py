"""A pipeline that uses a template, and its instances: one pipeline for each set of inputs."""

from __future__ import annotations

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.templates import template
from dag_factory.config.templates.catalog import Catalog
from dag_factory.config.tree import MapNode, Node, Scalar, entries_of, is_null, is_set, key_position, map_node, without

SCHEMA = "pipeline.schema.json"
CALL_KEYS = ("template", "with", "instances")


def instance_positions(document: MapNode) -> dict[str, Position]:
    """The positions of the instances by name; empty for a file with a single pipeline."""
    found = document.get("instances")
    return {name: found.keys[name] for name in found.entries} if isinstance(found, MapNode) else {}


def merge_template(
    document: MapNode, instance: str | None, catalogue: Catalog, context: Context
) -> tuple[MapNode | None, list[Problem]]:
    """The document merged over its template (None if the template has errors), and the problems.

    ``instance`` selects the instance, whose inputs are merged over ``with``.
    """
    rest = without(document, *CALL_KEYS)
    reference = document.get("template")
    if not isinstance(reference, Scalar) or reference.value is None:
        problems = []
        for key in CALL_KEYS[1:]:
            position = key_position(document, key)
            if position and is_set(document.get(key)):
                hint = "add the template: `template: name@v1`"
                problems.append(Problem.at(position, (key,), "missing-key", f"`{key}` is set without `template`", hint))
        return rest, problems
    found = catalogue.called("pipelines", reference, ("template",))
    if isinstance(found, Problem):
        return None, [found]
    given = document.get("with")
    caller = key_position(document, "template") or reference.position
    if instance is not None:
        family = document.entries["instances"]
        member = entries_of(family)[instance]
        caller = key_position(family, instance) or caller
        given = merge(given, member if isinstance(member, MapNode) else None, shape(SCHEMA).child("with"))
    given, input_problems = compute_inputs(given, context, ("with",))
    rendered, problems = template.render(found, "pipelines", given, caller, context, ("template",))
    problems = [*input_problems, *problems]
    if rendered is None:
        return None, problems
    merged = merge(with_empty_jobs(rendered), rest, shape(SCHEMA), unset=False)
    assert isinstance(merged, MapNode)
    return merged, problems


def compute_inputs(given: Node | None, context: Context, path: KeyPath) -> tuple[Node | None, list[Problem]]:
    """The values under ``with`` with their expressions computed."""
    if not isinstance(given, MapNode):
        return None, []
    computed, problems = evaluate(given, context, path)
    return computed, list(problems)


def with_empty_jobs(document: MapNode) -> MapNode:
    """The document with an empty map for each empty job, so that a null in an overlay still means removal."""
    jobs_node = document.get("jobs")
    if not isinstance(jobs_node, MapNode):
        return document
    jobs = {
        name: map_node({}, {}, node.position) if is_null(node) else node for name, node in jobs_node.entries.items()
    }
    changed = {**document.entries, "jobs": map_node(jobs, jobs_node.keys, jobs_node.position)}
    return map_node(changed, document.keys, document.position)
