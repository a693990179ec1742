"""The chain of a key of the language: what each layer does to it, and the rules that change or bound it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.jobs import job_layers as compiled_layers
from dag_factory.config.positions import KeyPath, Position, dotted
from dag_factory.config.schema.annotations import Shape, shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.tree import MapNode, Node, Scalar, as_map, at, from_python, map_node, scalar, to_python
from dag_factory.explain import larger, rules
from dag_factory.explain.field_paths import parse_path, steps_of
from dag_factory.explain.layers import Layer, flavor_layers, input_layers, job_layers, pipeline_layers
from dag_factory.explain.model import Chain, Kind, Rule, Step
from dag_factory.explain.subject import JobSubject, Subject
from dag_factory.explain.trace import Contribution, trace

PIPELINE = ("pipeline.schema.json", "")
FLAVOR = ("flavors.schema.json", "/$defs/flavor")
_DEFAULT = re.compile(r"Default: (.*?)\.(?= Example:|$)")
_ALIASES = {"retries.count": "retries.retries"}
_RESOURCE_FLAVOR = "resource_flavor"


class Lookup(msgspec.Struct, frozen=True):
    """Where a path is looked up: layers, the merged and computed tree, its schema, and the names of expressions."""

    layers: Sequence[Layer]
    tree: MapNode
    schema: Shape
    context: Context
    retry_rules: dict[str, MapNode] = {}
    prefix: KeyPath = ()


def job_lookup(one: JobSubject) -> Lookup:
    """The keys of a job, with those that call its template."""
    call = {key: node for key, node in one.layers.call.entries.items() if key in compiled_layers.CALL_KEYS}
    if one.source.cell is not None:
        call["matrix"] = from_python(one.source.cell.values, one.source.position)
    tree = map_node({**one.tree.entries, **call}, one.tree.keys, one.tree.position)
    rules_by_name = one.scope.tables.retries.known
    return Lookup(job_layers(one), tree, shape(*compiled_layers.SCHEMA), one.scope.context, rules_by_name)


def flavor_lookup(one: JobSubject) -> Lookup:
    """The keys of the definition of a job's flavor."""
    layers = flavor_layers(one)
    merged: Node | None = None
    for layer in layers:
        merged = merge(merged, layer.node, shape(*FLAVOR))
    context = {key: one.scope.context[key] for key in ("vars", "environment")}
    computed = evaluate(as_map(merged), context)[0]
    return Lookup(layers, as_map(computed), shape(*FLAVOR), context, prefix=(_RESOURCE_FLAVOR,))


def pipeline_lookup(subject: Subject) -> Lookup:
    """The keys of a pipeline, with the inputs of its template under ``with``."""
    tree, layers = subject.resolved.tree, pipeline_layers(subject)
    inputs: Node | None = None
    for layer in (own := input_layers(subject)):
        inputs = merge(inputs, layer.node, shape(*PIPELINE).child("with"))
    extra = {key: node for key in ("template",) if (node := subject.node.get(key)) is not None}
    if inputs is not None:
        inputs = evaluate(inputs, subject.resolved.scope.context)[0]
        extra["with"] = inputs
        instance = [one for one in own if one.name.startswith("instance ")]
        layers += [Layer(one.name, map_node({"with": one.node}, {}, one.node.position)) for one in instance]
    tree = map_node({**tree.entries, **extra}, tree.keys, tree.position)
    return Lookup(layers, tree, shape(*PIPELINE), subject.resolved.scope.context)


def find_key(lookup: Lookup, text: str) -> KeyPath | None:
    """The path of a key as a person writes it; None if no layer has it and the language does not know it."""
    text = _ALIASES.get(text, text)
    path = parse_path(text, to_python(lookup.tree))
    if path is None:
        for layer in lookup.layers:
            path = path or parse_path(text, to_python(layer.node))
    if path is None and _is_known(lookup.schema, steps := steps_of(text)):
        path = steps
    return path or None


def _is_known(schema: Shape, path: KeyPath) -> bool:
    for step in path:
        known = schema.items.is_defined if isinstance(step, int) else schema.defines(step)
        if not known:
            return False
        schema = schema.items if isinstance(step, int) else schema.child(step)
    return bool(path)


def steps_at(lookup: Lookup, path: KeyPath) -> tuple[Step, ...]:
    """What each layer does to the value at a path, low to high."""

    def expand(layer: Layer, node: Node) -> Layer:
        """The keys of a retry rule in place of its name."""
        computed = evaluate(node, lookup.context)[0]
        name = computed.value if isinstance(computed, Scalar) else None
        if isinstance(name, str) and name in lookup.retry_rules:
            return Layer(f"retry rule {name}, by {layer.name}", lookup.retry_rules[name])
        return Layer(layer.name, computed)

    found = trace(lookup.layers, path, lookup.tree, lookup.schema, expand)
    return tuple(_step(one, (*lookup.prefix, *path), lookup.context) for one in found)


def step_of_layer(layer: Layer, key: str, context: Context, is_overridden: bool) -> Step:
    """A layer that sets one value of the platform, such as the namespace."""
    one = Contribution(layer.name, "sets", layer.node.position, layer.node, is_overridden)
    return _step(one, (key,), context)


def _step(one: Contribution, path: KeyPath, context: Context) -> Step:
    base = Step(one.layer, dotted(path), one.effect, rules.place(one.position), is_overridden=one.is_overridden)
    if one.node is None:
        return msgspec.structs.replace(base, has_value=False)
    computed = to_python(evaluate(one.node, context)[0])
    expression = one.node.text if isinstance(one.node, Scalar) and one.node.dynamic else ""
    return msgspec.structs.replace(base, value=computed, expression=expression)


def chain_of_job_key(one: JobSubject, path: KeyPath, lookup: Lookup) -> Chain:
    """The chain of one key of a job."""
    subject = one.subject
    steps = steps_at(lookup, path)
    final = at(lookup.tree, path)
    found = [*rules.variables(subject, (step.expression for step in steps))]
    if rules.is_image(path) and isinstance(final, Scalar):
        found += rules.mirrors(subject, _before_mirror(steps), final.value)
    if path == (_RESOURCE_FLAVOR,):
        found += [*rules.flavor_replacement(one, steps[-1].value if steps else None), *larger.next_of_flavor(one)]
    if "resources" in path:  # of a sidecar or an init container
        found += rules.size_limits(path, one.scope.tables.guards)
    return _chain(subject, path, steps, final, found, lookup.schema)


def chain_of_flavor_key(one: JobSubject, path: KeyPath, lookup: Lookup, job: Lookup) -> Chain:
    """The chain of a key of the job's flavor: how the flavor was chosen, then its definition.

    ``lookup`` is that of the flavor, ``job`` that of the job.
    """
    chosen = chain_of_job_key(one, (_RESOURCE_FLAVOR,), job)
    steps = (*chosen.steps, *steps_at(lookup, path))
    found = [rule for rule in chosen.rules if rule.kind in ("replacement", "value")]
    found += rules.variables(one.subject, (step.expression for step in steps_at(lookup, path)))
    found += rules.size_limits(path, one.scope.tables.guards)
    found += larger.next_of_flavor(one) if path == ("next",) else larger.next_of_size(one, path)
    final = at(lookup.tree, path)
    return _chain(one.subject, (*lookup.prefix, *path), steps, final, found, job.schema)


def chain_of_pipeline_key(subject: Subject, path: KeyPath, lookup: Lookup) -> Chain:
    """The chain of one key of a pipeline."""
    steps = steps_at(lookup, path)
    final = at(lookup.tree, path)
    found = [*rules.variables(subject, (step.expression for step in steps)), *rules.schedule_mode(subject, final)]
    timezone = subject.resolved.scope.tables.timezone
    if path == ("timezone",) and not steps and timezone is not None:
        found.append(Rule("value", "the environment sets `timezone`", rules.place(timezone.position)))
    return _chain(subject, path, steps, final, found, lookup.schema)


def _before_mirror(steps: tuple[Step, ...]) -> Scalar | None:
    value = steps[-1].value if steps and steps[-1].has_value else None
    return scalar(value, Position("")) if isinstance(value, str) else None


def _chain(
    subject: Subject, path: KeyPath, steps: tuple[Step, ...], final: Node | None, found: list[Rule], schema: Shape
) -> Chain:
    guards = subject.resolved.scope.tables.guards
    found = [*found, *rules.bounds(path, guards)]
    if final is not None and not (steps and steps[-1].place == rules.place(final.position)):
        found += [one for one in rules.required(final.position, guards) if one not in found]
    value = to_python(final) if final is not None else None
    if final is None and steps and steps[-1].has_value:  # a key that the compiler only reads, such as `only`
        value = steps[-1].value
    has_value = value is not None
    reason = "" if has_value or steps else default_of(path, schema)
    kind = kind_of(value, steps, found) if has_value else ("file" if steps else "default")
    return Chain(subject.environment, kind, value, has_value, reason, steps, tuple(found))


def kind_of(value: Any, steps: Sequence[Step], found: Sequence[Rule]) -> Kind:
    """What set a value that is set."""
    if contains_template(value):
        return "run time"
    if steps or any(rule.kind in ("schedules", "replacement", "mirror") for rule in found):
        return "file"
    return "factory" if any(rule.kind == "required" for rule in found) else "file"


def contains_template(value: Any) -> bool:
    """Whether a text in a value has a ``{{ }}``, which Airflow renders."""
    if isinstance(value, str):
        return has_template(value)
    if isinstance(value, dict):
        return any(map(contains_template, value.values()))
    return isinstance(value, list) and any(map(contains_template, value))


def default_of(path: KeyPath, schema: Shape) -> str:
    """What the language says about the default of a key, such as ``1h``; empty if it says nothing."""
    for step in path:
        schema = schema.items if isinstance(step, int) else schema.child(step)
    match = _DEFAULT.search(schema.description)
    return match[1] if match else ""


def flavor_key(text: str) -> str | None:
    """The rest of ``resource_flavor.memory``; None for another path."""
    head, dot, rest = text.partition(".")
    return rest if head == _RESOURCE_FLAVOR and dot else None
