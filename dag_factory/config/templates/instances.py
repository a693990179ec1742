"""A pipeline that calls a template, and the instances that make a family of it."""

from __future__ import annotations

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.positions import Mark, Path
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.templates import template
from dag_factory.config.templates.catalog import Catalogue
from dag_factory.config.tree import Mapping, Node, Scalar, entries, is_null, is_set, key_mark, mapping, without

SCHEMA = "pipeline.schema.json"
CALL = ("template", "with", "instances")


def instances(document: Mapping) -> dict[str, Mark]:
    """The names of a family's members with their places; none where the file is a single pipeline."""
    found = document.entries.get("instances")
    return {name: found.keys[name] for name in found.entries} if isinstance(found, Mapping) else {}


def from_template(
    document: Mapping, instance: str | None, catalogue: Catalogue, context: Context
) -> tuple[Mapping | None, list[Problem]]:
    """The document laid over what its template gives (None: that is not known), and what is wrong.

    ``instance`` chooses the member of a family, whose inputs are laid over ``with``.
    """
    rest = without(document, *CALL)
    reference = document.entries.get("template")
    if not isinstance(reference, Scalar) or reference.value is None:
        problems = []
        for key in CALL[1:]:
            mark = key_mark(document, key)
            if mark and is_set(document.entries.get(key)):
                hint = "name the template: `template: name@v1`"
                problems.append(Problem.at(mark, (key,), "missing-key", f"`{key}` stands without `template`", hint))
        return rest, problems
    found = catalogue.called("pipelines", reference, ("template",))
    if isinstance(found, Problem):
        return None, [found]
    given = document.entries.get("with")
    caller = key_mark(document, "template") or reference.mark
    if instance is not None:
        family = document.entries["instances"]
        member = entries(family)[instance]
        caller = key_mark(family, instance) or caller
        given = merge(given, member if isinstance(member, Mapping) else None, shape(SCHEMA).child("with"))
    given, trouble = computed_inputs(given, context, ("with",))
    rendered, problems = template.render(found, "pipelines", given, caller, context, ("template",))
    problems = [*trouble, *problems]
    if rendered is None:
        return None, problems
    laid = merge(filled(rendered), rest, shape(SCHEMA), unset=False)
    assert isinstance(laid, Mapping)
    return laid, problems


def computed_inputs(given: Node | None, context: Context, path: Path) -> tuple[Node | None, list[Problem]]:
    """The values under ``with`` with their expressions computed."""
    if not isinstance(given, Mapping):
        return None, []
    computed, problems = evaluate(given, context, path)
    return computed, list(problems)


def filled(document: Mapping) -> Mapping:
    """A job that says nothing is an empty map, so that an overlay's null can be told from it."""
    written = document.entries.get("jobs")
    if not isinstance(written, Mapping):
        return document
    jobs = {name: mapping({}, {}, node.mark) if is_null(node) else node for name, node in written.entries.items()}
    changed = {**document.entries, "jobs": mapping(jobs, written.keys, written.mark)}
    return mapping(changed, document.keys, document.mark)
