"""The layers of a pipeline and of a job as the files have them, one by one, low to high.

The compiler merges them in several steps. Here each is a tree of its own, so that an overridden value can be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from dag_factory.config.jobs.job_layers import merge_layers
from dag_factory.config.pipelines.environment_overlay import with_overlay
from dag_factory.config.platform import environments, flavor_table, presets
from dag_factory.config.platform.teams import Teams
from dag_factory.config.positions import KeyPath
from dag_factory.config.templates import instances
from dag_factory.config.tree import MapNode, Node, as_map, at, map_node, text_of, without
from dag_factory.explain.subject import JobSubject, Subject


class Layer(msgspec.Struct, frozen=True):
    """One layer: its name for a person, such as ``preset net``, and its tree."""

    name: str
    node: Node


def pipeline_layers(subject: Subject) -> list[Layer]:
    """The layers of the keys of a pipeline."""
    return [
        *_environment_layers(subject, "defaults", "pipeline"),
        *_team_layers(subject, "pipeline"),
        *_own_layers(subject, (), "pipeline"),
    ]


def input_layers(subject: Subject) -> list[Layer]:
    """The layers of ``with``: those of the file, and the instance."""
    found = [Layer(one.name, one.node) for one in _own_layers(subject, ("with",), "pipeline")]
    member = at(subject.node, ("instances", subject.instance)) if subject.instance else None
    return [*found, *([Layer(f"instance {subject.instance}", member)] if isinstance(member, MapNode) else [])]


def job_layers(one: JobSubject) -> list[Layer]:
    """The layers of the keys of a job, with those of its flavor. The sizes of the flavor are not keys of jobs."""
    subject, name = one.subject, one.source.name
    base = [
        *_pull_policy_layers(subject),
        *_variable_layers(subject),
        *_environment_layers(subject, "defaults", "job"),
        *_team_layers(subject, "job"),
        *_own_layers(subject, ("defaults",), "pipeline defaults"),
    ]
    found = [*base, *_preset_layers(one), *flavor_layers(one)]
    if one.layers.template is not None:
        found.append(Layer(f"template {text_of(one.layers.call.get('uses')) or ''}", one.layers.template))
    return [*found, *_own_layers(subject, ("jobs", name), f"job {name}")]


def flavor_layers(one: JobSubject) -> list[Layer]:
    """The definitions of the job's flavor, after a replacement: the table, and those of the environments."""
    if one.layers.flavor is None:
        return []
    return flavor_definitions(one.subject, one.layers.flavor.entry.flavor.name)


def flavor_definitions(subject: Subject, name: str) -> list[Layer]:
    """The definitions of one flavor: the table, and those of the environments."""
    table = subject.resolved.documents.get(flavor_table.FILE)
    node = at(table, ("flavors", name)) if table else None
    found = [Layer(f"flavor {name}", node)] if isinstance(node, MapNode) else []
    for environment, tree in _environments(subject):
        define = at(tree, ("flavors", "define", name))
        if isinstance(define, MapNode):
            found.append(Layer(f"flavor {name} in environment {environment}", define))
    return found


def environment_values(subject: Subject, *path: str) -> Iterator[Layer]:
    """What each file of the environment has at a path, low to high."""
    for name, tree in _environments(subject):
        node = at(tree, path)
        if node is not None:
            yield Layer(f"environment {name}", node)


def team_values(subject: Subject, key: str) -> Iterator[Layer]:
    """What each team of the pipeline has for a key, low to high."""
    for layer, node in _teams(subject):
        if (value := node.get(key)) is not None:
            yield Layer(layer, value)


def _environments(subject: Subject) -> list[tuple[str, MapNode]]:
    """The environment and those that it extends, low to high."""
    files = environments.read(subject.project.platform, subject.environment).files
    names = {environments.file_of(name): name for name in subject.project.platform.environments}
    return [(names.get(file, file), tree) for file, tree in reversed(files.items())]


def _environment_layers(subject: Subject, *path: str) -> Iterator[Layer]:
    for one in environment_values(subject, *path):
        if isinstance(one.node, MapNode):
            yield one


def _pull_policy_layers(subject: Subject) -> Iterator[Layer]:
    for one in environment_values(subject, "images", "pull_policy"):
        yield Layer(one.name, _single("image_pull_policy", one.node))


def _variable_layers(subject: Subject) -> Iterator[Layer]:
    """The environment variables of the params, which are below all other layers."""
    layer = subject.resolved.scope.tables.environment_job_layer
    if layer is not None and (env := layer.get("env")) is not None:
        yield Layer("params_env", _single("env", env))


def _teams(subject: Subject) -> Iterator[tuple[str, MapNode]]:
    """The teams of the folders that the pipeline is in, outer ones first, or the default team."""
    table = subject.resolved.scope.tables.teams
    for name in subject.resolved.scope.tables.team.names:
        default = table.default if isinstance(table, Teams) else None
        yield f"team {name}" if name else "default team", as_map(table.known.get(name) if name else default)


def _team_layers(subject: Subject, kind: str) -> Iterator[Layer]:
    for layer, node in _teams(subject):
        account = node.get("service_account")
        if kind == "job" and account is not None:
            yield Layer(layer, _single("service_account", account))
        defaults = at(node, ("defaults", kind))
        if isinstance(defaults, MapNode):
            yield Layer(layer, defaults)


def _own_layers(subject: Subject, path: KeyPath, name: str) -> list[Layer]:
    """What the pipeline's template, its file, and its values for the environment have at a path."""
    template = _template(subject)
    overlay = at(subject.node, ("environments", subject.environment))
    trees: Iterable[tuple[str, Node | None]] = (
        (template[0], template[1]),
        (name, without(subject.node, "environments")),
        (f"pipeline in environment {subject.environment}", overlay),
    )
    return [
        Layer(layer, node)
        for layer, tree in trees
        if isinstance(tree, MapNode) and isinstance(node := at(tree, path), MapNode)
    ]


def _template(subject: Subject) -> tuple[str, MapNode | None]:
    """The name of the pipeline's template as a layer, and its rendered tree; None without one."""
    tables = subject.resolved.scope.tables
    scope = msgspec.structs.replace(subject.resolved.scope, problems=[])
    document = with_overlay(subject.node, scope)
    reference = text_of(document.get("template"))
    if not reference:
        return "", None
    call = {key: document.entries[key] for key in instances.CALL_KEYS if key in document.entries}
    identity = {key: value for key, value in scope.context["pipeline"].items() if key != "owner"}
    only_call = map_node(call, document.keys, document.position)
    context = {**scope.context, "pipeline": identity}
    rendered, _ = instances.merge_template(only_call, subject.instance, tables.catalog, context)
    return f"template {reference}", rendered


def _preset_layers(one: JobSubject) -> Iterator[Layer]:
    layers = (one.source.base, one.layers.template, one.layers.own)
    naming = [_single("presets", node) for layer in layers if (node := as_map(layer).get("presets")) is not None]
    if not naming:
        return
    table = one.scope.tables.presets
    found, _ = presets.preset_layers(merge_layers(naming), table, one.scope.context, one.scope.path)
    for layer in found:
        name = next(name for name, node in table.table.items() if node is layer)
        yield Layer(f"preset {name}", layer)


def _single(key: str, node: Node) -> MapNode:
    return map_node({key: node}, {key: node.position}, node.position)
