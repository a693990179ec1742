"""The layers of one job: presets, job template and flavor, around what the pipeline defines itself."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as SequenceT

import msgspec

from dag_factory.config.expressions.compile_time import evaluate
from dag_factory.config.ids import JobName, TaskId
from dag_factory.config.jobs.matrix import Cell
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.platform import presets
from dag_factory.config.platform.flavors import FlavorEntry
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.templates import template as templates
from dag_factory.config.templates.instances import compute_inputs
from dag_factory.config.tree import (
    MapNode,
    Node,
    Scalar,
    as_map,
    is_set,
    items_of,
    key_position,
    list_node,
    map_node,
    to_python,
)

SCHEMA = ("job.schema.json", "/$defs/job")
_DEFINE_FLAVOR = "define it in configs/platform/flavors.yaml"
CALL_KEYS = ("uses", "with")
"""The keys that call a job template."""


class JobSource(msgspec.Struct, frozen=True):
    """A job as the pipeline defines it.

    ``own`` is its entry under ``jobs``; ``base`` holds the merged layers that all jobs of the pipeline share. Both are
    without values that have errors. ``position`` is that of the job's name, ``cell`` the cell of its matrix. The matrix
    of a ``broken`` job has errors, so the job only keeps its name.
    """

    name: JobName
    own: Node
    position: Position
    base: MapNode
    cell: Cell | None = None
    broken: bool = False

    @property
    def task(self) -> TaskId:
        """The id of the job's task."""
        return TaskId(self.cell.name if self.cell else self.name)


class ChosenFlavor(msgspec.Struct, frozen=True):
    """The flavor of a job; ``replacement`` is its name where the environment replaces the one that the job names."""

    entry: FlavorEntry
    replacement: Scalar | None


class JobLayers(msgspec.Struct, frozen=True):
    """The layers of a job, low to high: ``base`` with the presets, ``flavor``, ``template``, ``own``.

    ``call`` holds the merged ``uses`` and ``with``. ``call_errors`` is not empty if the template gives no layer
    because of them.
    """

    base: MapNode
    flavor: ChosenFlavor | None
    template: MapNode | None
    own: Node
    call: MapNode
    call_errors: tuple[Problem, ...]


def collect_layers(source: JobSource, scope: Scope) -> JobLayers:
    """Find the layers of a job, and report unknown names."""
    base, own = source.base, source.own
    chosen, preset_problems = _presets([base, own], scope)
    call = merge_layers([_only(layer, *CALL_KEYS) for layer in (base, *chosen, own)])
    template, call_problems = _call_template(call, scope)
    if template and "presets" in template.entries:
        without_template = chosen
        chosen, preset_problems = _presets([base, template, own], scope)
        added = [layer for layer in chosen if not any(layer is other for other in without_template)]
        call_problems += _nested_calls(template.entries["presets"], added, scope)
    base = merge_layers(chosen, base)
    names = (as_map(layer).get("resource_flavor") for layer in (own, template, base))
    scope.report(preset_problems)
    flavor = _flavor(next((name for name in names if name), None), scope)
    scope.report(call_problems)
    return JobLayers(base, flavor, template, own, call, tuple(call_problems) if template is None else ())


def merge_layers(layers: SequenceT[Node | None], base: MapNode | None = None) -> MapNode:
    """Merge the layers of a job, low to high, over ``base``, which is merged already."""
    merged: Node | None = base
    for layer in layers:
        if layer is not None:
            merged = merge(merged, layer, shape(*SCHEMA))
    return merged if isinstance(merged, MapNode) else map_node({}, {}, Position(""))


def _presets(layers: SequenceT[Node | None], scope: Scope) -> tuple[list[MapNode], list[Problem]]:
    """The layers of the presets that all these layers together name."""
    naming = [layer for layer in (_only(layer, "presets") for layer in layers) if layer]
    if not naming:
        return [], []
    return presets.preset_layers(merge_layers(naming), scope.tables.presets, scope.context, scope.path)


def _call_template(call: MapNode, scope: Scope) -> tuple[MapNode | None, list[Problem]]:
    """The layer that a job template gives, and the problems of the call."""
    reference, given = call.get("uses"), call.get("with")
    path = (*scope.path, "uses")
    if not isinstance(reference, Scalar) or reference.value is None:
        if not is_set(given):
            return None, []
        position = key_position(call, "with") or given.position
        hint = "add the template: `uses: name@v1`"
        problem = Problem.at(position, (*scope.path, "with"), "missing-key", "`with` is set without `uses`", hint)
        return None, [problem]
    template = scope.tables.catalog.called("jobs", reference, path)
    if isinstance(template, Problem):
        return None, [template]
    inputs, input_problems = compute_inputs(given, scope.context, (*scope.path, "with"))
    caller = key_position(call, "uses") or reference.position
    rendered, problems = templates.render(template, "jobs", inputs, caller, scope.context, path)
    if rendered and (matrix := key_position(rendered, "matrix")):
        message, hint = "a job template cannot have a `matrix`", "set it on the job that calls the template"
        problems = [*problems, Problem.at(matrix, path, "bad-template-file", message, hint)]
    return rendered, [*input_problems, *problems]


def _nested_calls(names: Node, added: SequenceT[MapNode], scope: Scope) -> Iterator[Problem]:
    """Problems of presets that only the template names, ``added``, and that call a template.

    A job calls one template, before these presets are known, and a template cannot call another template.
    """
    for item in items_of(names):
        single = map_node({"presets": list_node((item,), item.position)}, {}, item.position)
        for layer in presets.preset_layers(single, scope.tables.presets, scope.context, scope.path)[0]:
            key = next((key for key in CALL_KEYS if is_set(layer.get(key))), None)
            if key and any(layer is other for other in added):
                name = show(to_python(item))
                message = f"the preset {name} sets `{key}`, but the presets of a job template cannot call a template"
                hint = "copy the keys of that template into this one, or remove the call from the preset"
                yield Problem.at(item.position, (*scope.path, "uses"), "bad-template-file", message, hint)


def _only(layer: Node | None, *keys: str) -> Node | None:
    """A layer with only some of its keys; None if it has none of them."""
    if not isinstance(layer, MapNode):
        return None
    kept = {key: layer.entries[key] for key in keys if key in layer.entries}
    return map_node(kept, layer.keys, layer.position) if kept else None


def _flavor(name: Node | None, scope: Scope) -> ChosenFlavor | None:
    """The flavor of a job, after the environment's replacements; ``name`` is from the highest layer that has one."""
    tables, path = scope.tables, (*scope.path, "resource_flavor")
    if not isinstance(name, Scalar) or name.value is None:
        message = f"the job `{path[1]}` has no `resource_flavor`"
        hint = f"set it on the job or under `defaults`; {did_you_mean('', tables.flavors) or _DEFINE_FLAVOR}"
        scope.error("missing-key", message, hint, None, "resource_flavor")
        return None
    computed, failures = evaluate(name, scope.context, path)
    if failures:  # reported with the other expressions of the job
        return None
    text = computed.text if isinstance(computed, Scalar) else ""
    if text in tables.broken_flavors:
        message, hint = f"the flavor `{text}` has errors", "fix the errors in configs/platform/flavors.yaml"
        scope.error("broken-flavor", message, hint, name.position, "resource_flavor")
        return None
    replacement = tables.flavor_replacements.get(text)
    final = replacement.text if replacement else text
    entry = tables.flavors.get(final)
    if entry is None:
        hint = did_you_mean(final, tables.flavors) or _DEFINE_FLAVOR
        scope.error("unknown-flavor", f"unknown flavor `{final}`", hint, name.position, "resource_flavor")
        return None
    return ChosenFlavor(entry, replacement if final != text else None)
