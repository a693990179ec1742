"""A pipeline that calls a template, and the instances that make a family of it."""

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
CALL = ("template", "with", "instances")


def instances(document: MapNode) -> dict[str, Position]:
    """The names of a family's members with their places; none where the file is a single pipeline."""
    found = document.get("instances")
    return {name: found.keys[name] for name in found.entries} if isinstance(found, MapNode) else {}


def from_template(
    document: MapNode, instance: str | None, catalogue: Catalog, context: Context
) -> tuple[MapNode | None, list[Problem]]:
    """The document laid over what its template gives (None: that is not known), and what is wrong.

    ``instance`` chooses the member of a family, whose inputs are laid over ``with``.
    """
    rest = without(document, *CALL)
    reference = document.get("template")
    if not isinstance(reference, Scalar) or reference.value is None:
        problems = []
        for key in CALL[1:]:
            position = key_position(document, key)
            if position and is_set(document.get(key)):
                hint = "name the template: `template: name@v1`"
                problems.append(Problem.at(position, (key,), "missing-key", f"`{key}` stands without `template`", hint))
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
    given, trouble = computed_inputs(given, context, ("with",))
    rendered, problems = template.render(found, "pipelines", given, caller, context, ("template",))
    problems = [*trouble, *problems]
    if rendered is None:
        return None, problems
    laid = merge(filled(rendered), rest, shape(SCHEMA), unset=False)
    assert isinstance(laid, MapNode)
    return laid, problems


def computed_inputs(given: Node | None, context: Context, path: KeyPath) -> tuple[Node | None, list[Problem]]:
    """The values under ``with`` with their expressions computed."""
    if not isinstance(given, MapNode):
        return None, []
    computed, problems = evaluate(given, context, path)
    return computed, list(problems)


def filled(document: MapNode) -> MapNode:
    """A job that says nothing is an empty map, so that an overlay's null can be told from it."""
    written = document.get("jobs")
    if not isinstance(written, MapNode):
        return document
    jobs = {name: map_node({}, {}, node.position) if is_null(node) else node for name, node in written.entries.items()}
    changed = {**document.entries, "jobs": map_node(jobs, written.keys, written.position)}
    return map_node(changed, document.keys, document.position)
