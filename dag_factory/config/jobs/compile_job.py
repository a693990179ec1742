"""One job: its layers merged, its expressions computed, held against the schema, turned into a model."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from collections.abc import Sequence as SequenceT

import msgspec

from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.guard_rules import NONE, Guards
from dag_factory.config.jobs import (
    assets,
    container_checks,
    for_each,
    guard_problems,
    job_model,
    kubernetes_values,
    pod_checks,
)
from dag_factory.config.jobs.matrix import Cell
from dag_factory.config.model import Job
from dag_factory.config.platform import images, local_images, presets, retries
from dag_factory.config.platform.flavors import FlavorEntry
from dag_factory.config.platform.hardening import hardened
from dag_factory.config.platform.tables import Tables
from dag_factory.config.pod.security_standards import may_violate_baseline
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem, errors
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.source import documents, image_folders
from dag_factory.config.suggestions import did_you_mean, show
from dag_factory.config.templates import template as templates
from dag_factory.config.templates.instances import computed_inputs
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
    position_at,
    to_python,
    whole_number,
    without,
)

_JOB = ("job.schema.json", "/$defs/job")
_CALL = ("uses", "with")


class CompiledJob(msgspec.Struct, frozen=True):
    """A job's model (None where problems forbid it) and the resolved text behind it.

    ``name`` is its task's, ``written`` its name in the file, which all cells of a matrix have.
    """

    name: str
    written: str
    position: Position
    node: MapNode
    job: Job | None
    problems: tuple[Problem, ...]


def compile_job(
    name: str,
    own: Node,
    position: Position,
    base: MapNode,
    tables: Tables,
    context: Context,
    sound: bool = True,
    cell: Cell | None = None,
) -> CompiledJob:
    """Everything that is said of one job, in one model.

    ``own`` is what the pipeline's ``jobs`` say of it, ``base`` what is said of all its jobs (see ``laid``), both
    without what was wrong in them; ``position`` is the job's name in the file; ``cell`` is the one of its matrix
    that is meant. Problems that the parts had before are the caller's; ``sound`` says that there were none, so
    that a model can be made.
    """
    path: KeyPath = ("jobs", name)
    task = cell.name if cell else name
    context = {**context, "job": {"name": task}, **({"matrix": cell.values} if cell else {})}
    pieces, problems = _presets([base, own], tables, context, path)
    calls = [call for layer in (base, *pieces, own) if (call := _only(layer, *_CALL))]
    template, called = _from_template(merge_layers(calls), tables, context, path) if calls else (None, [])
    if template and "presets" in template.entries:
        before = pieces
        pieces, problems = _presets([base, template, own], tables, context, path)
        late = [piece for piece in pieces if not any(piece is one for one in before)]
        called += _late_calls(template.entries["presets"], late, tables, context, path)
    base = merge_layers(pieces, base)
    naming = (as_map(layer).get("resource_flavor") for layer in (own, template, base))
    entry, trouble = _flavor(next((said for said in naming if said), None), tables, context, position, path)
    problems += [*trouble, *called]
    layers = [entry.layer if entry else None, template, own]
    merged, rule, trouble = _with_rule(without(merge_layers(layers, base), *_CALL), tables, context, path)
    problems += trouble
    computed, trouble = documents.computed(merged, context, *_JOB, path=path, keep=True)
    problems += trouble
    if called and template is None:  # what it would have given is not known
        return CompiledJob(task, name, position, computed, None, tuple(called))
    computed = images.mirrored(computed, tables.mirrors)
    problems += images.check(computed, tables.mirrors, tables.environment, path)
    flavor = computed.get("resource_flavor")
    if isinstance(inline := computed.get("retries"), MapNode) and not rule:
        problems += retries.check(inline, (*path, "retries"))
    problems += guard_problems.check_names("presets", computed.list("presets"), tables.guards, (*path, "presets"))
    problems += guard_problems.check_names(
        "templates", [merge_layers(calls).get("uses")], tables.guards, (*path, "uses")
    )
    computed = _as_demanded(computed, tables.guards)
    image = computed.get("docker_image")
    if not is_set(image):
        hint = "name it at the job or under `defaults`"
        problems.append(Problem.at(position, path, "missing-key", f"the job `{name}` has no `docker_image`", hint))
    problems += _pool(computed, tables, path)
    problems += _mounts(computed, path)
    problems += kubernetes_values.check(computed, path)
    if tables.environment == image_folders.ENVIRONMENT:
        problems += local_images.check(computed, tables.images, path)
    for key in ("inlets", "outlets"):
        problems += assets.check(computed.get(key), (*path, key))
    problems += for_each.check(computed.get("for_each"), computed.get("env"), (*path, "for_each"))
    job = None
    if sound and entry and is_set(image) and not errors(problems):
        job = job_model.job(task, entry.flavor, computed, cell.values if cell else {}, rule)
        problems += _volume_names(job, computed, path)
        problems += container_checks.check(job, computed, path)
        if (tables.guards != NONE or may_violate_baseline(job)) and not errors(problems):
            known = [one.flavor for one in tables.flavors.values()]
            problems += guard_problems.check(job, computed, tables.cluster, tables.guards, known, position, path)
        if not errors(problems):  # what a limit sets may contradict what it forbids
            problems += pod_checks.check(job, computed, tables.cluster, position, path)
        if flavor and entry.flavor.name != to_python(flavor):
            exchanged = {"resource_flavor": tables.replace[str(to_python(flavor))]}
            computed = map_node({**computed.entries, **exchanged}, computed.keys, computed.position)
    return CompiledJob(task, name, position, computed, job, tuple(problems))


def _as_demanded(node: MapNode, guards: Guards) -> MapNode:
    """The job with what the platform demands where it leaves it out."""
    if guards == NONE:
        return node
    longest = guards.bounds.get("timeout")
    if longest and not is_set(node.get("timeout")):
        timeout = Scalar(longest.text, longest.text, Position(longest.file, longest.line))
        node = map_node({**node.entries, "timeout": timeout}, {**node.keys, "timeout": timeout.position}, node.position)
    level = guards.pod_security
    if level and level.words[0] == "restricted":
        node = hardened(node, Position(level.file, level.line))
    return node


def uncompiled(name: str, own: Node, position: Position, base: MapNode) -> CompiledJob:
    """A job that cannot be made, by its name and what is written of it, so that others are not blamed."""
    return CompiledJob(name, name, position, merge_layers([own], base), None, ())


def _presets(
    layers: SequenceT[Node | None], tables: Tables, context: Context, path: KeyPath
) -> tuple[list[MapNode], list[Problem]]:
    """The layers of the presets that all these layers together name."""
    naming = [layer for layer in (_only(layer, "presets") for layer in layers) if layer]
    return presets.chosen(merge_layers(naming), tables.presets, context, path) if naming else ([], [])


def _from_template(
    merged: MapNode, tables: Tables, context: Context, path: KeyPath
) -> tuple[MapNode | None, list[Problem]]:
    """The layer that a job template gives, and what is wrong with the call."""
    reference, given = merged.get("uses"), merged.get("with")
    if not isinstance(reference, Scalar) or reference.value is None:
        if not is_set(given):
            return None, []
        where = key_position(merged, "with") or given.position
        hint = "name the template: `uses: name@v1`"
        return None, [Problem.at(where, (*path, "with"), "missing-key", "`with` stands without `uses`", hint)]
    found = tables.catalogue.called("jobs", reference, (*path, "uses"))
    if isinstance(found, Problem):
        return None, [found]
    inputs, problems = computed_inputs(given, context, (*path, "with"))
    caller = key_position(merged, "uses") or reference.position
    rendered, trouble = templates.render(found, "jobs", inputs, caller, context, (*path, "uses"))
    of_matrix = key_position(rendered, "matrix") if rendered else None
    if of_matrix:
        message, hint = "a job template has no `matrix` of its own", "write it at the job that calls the template"
        trouble = [*trouble, Problem.at(of_matrix, (*path, "uses"), "bad-template-file", message, hint)]
    return rendered, [*problems, *trouble]


def _late_calls(
    named: Node, late: SequenceT[MapNode], tables: Tables, context: Context, path: KeyPath
) -> Iterator[Problem]:
    """Calls in presets that a template alone names: the job's one call is made by then, and no template calls one."""
    for item in items_of(named):
        only = map_node({"presets": list_node((item,), item.position)}, {}, item.position)
        for piece in presets.chosen(only, tables.presets, context, path)[0]:
            lost = next((key for key in _CALL if is_set(piece.get(key))), None)
            if lost and any(piece is one for one in late):
                name = show(to_python(item))
                message = f"the preset {name} says `{lost}`: a job template calls no other, nor do its presets"
                hint = "write what that template gives into this one, or take the call out of the preset"
                yield Problem.at(item.position, (*path, "uses"), "bad-template-file", message, hint)


def _with_rule(merged: MapNode, tables: Tables, context: Context, path: KeyPath) -> tuple[MapNode, str, list[Problem]]:
    """The job with the retry rule that holds written out, the rule's name, and what is wrong with it."""
    written = merged.get("retries")
    found, rule, problems = retries.settled(written, tables.retries, context, (*path, "retries"))
    if found is written:
        return merged, rule, problems
    rest = without(merged, "retries")
    return (
        (map_node({**rest.entries, "retries": found}, merged.keys, merged.position) if found else rest),
        rule,
        problems,
    )


def merge_layers(layers: SequenceT[Node | None], base: MapNode | None = None) -> MapNode:
    """What several layers say of a job, merged, low to high, over ``base``, which has been laid already."""
    merged: Node | None = base
    for layer in layers:
        merged = merge(merged, layer, shape(*_JOB))
    return merged if isinstance(merged, MapNode) else map_node({}, {}, Position(""))


def _only(layer: Node | None, *names: str) -> Node | None:
    """What a layer says of a few keys."""
    if not isinstance(layer, MapNode):
        return None
    kept = {key: layer.entries[key] for key in names if key in layer.entries}
    return map_node(kept, layer.keys, layer.position) if kept else None


def _flavor(
    written: Node | None, tables: Tables, context: Context, position: Position, path: KeyPath
) -> tuple[FlavorEntry | None, list[Problem]]:
    """The flavor that a job names in its highest layer that names one, after the environment's replacements."""
    path = (*path, "resource_flavor")
    if not isinstance(written, Scalar) or written.value is None:
        hint = did_you_mean("", tables.flavors)
        return None, [Problem.at(position, path, "missing-key", f"the job `{path[1]}` has no `resource_flavor`", hint)]
    computed, trouble = evaluate(written, context, path)
    if trouble:
        return None, []  # told once, with the whole job
    name = computed.text if isinstance(computed, Scalar) else ""
    if name in tables.broken_flavors:
        message = f"the flavor `{name}` has a problem of its own"
        return None, [Problem.at(written.position, path, "broken-flavor", message, "see the problems of flavors.yaml")]
    name = tables.replace[name].text if name in tables.replace else name
    entry = tables.flavors.get(name)
    if entry is None:
        message = f"unknown flavor `{name}`"
        return None, [Problem.at(written.position, path, "unknown-flavor", message, did_you_mean(name, tables.flavors))]
    return entry, []


def _pool(computed: MapNode, tables: Tables, path: KeyPath) -> list[Problem]:
    pool, slots = computed.get("pool"), computed.get("pool_slots")
    known = (*tables.pools, "default_pool")
    if not isinstance(pool, Scalar) or pool.value is None or pool.dynamic:
        return []
    if pool.text not in known:
        message, hint = f"unknown pool `{pool.text}`", did_you_mean(pool.text, known)
        return [Problem.at(pool.position, (*path, "pool"), "unknown-pool", message, hint)]
    most = tables.pools.get(pool.text)
    taken = whole_number(slots)
    if most and slots and taken is not None and taken > most:
        message = f"the pool `{pool.text}` has {most} slots: a job that takes {taken} never starts"
        return [Problem.at(slots.position, (*path, "pool_slots"), "pool-too-small", message, f"take at most {most}")]
    return []


def _mounts(computed: MapNode, path: KeyPath) -> Iterator[Problem]:
    """Two volumes in one place, which Kubernetes rejects. A volume at ``/dev/shm`` replaces the flavor's ``shm``."""
    taken = {"/airflow/xcom": "`output: json`"} if is_set(computed.get("output")) else {}
    for index, volume in enumerate(computed.list("volumes")):
        place = as_map(volume).get("mount_path")
        if not isinstance(place, Scalar) or place.dynamic:
            continue
        folder = posixpath.normpath(place.text)
        if folder in taken:
            message = f"`{folder}` is taken already, by {taken[folder]}"
            yield Problem.at(
                place.position, (*path, "volumes", index), "mount-taken", message, "mount it somewhere else"
            )
        taken.setdefault(folder, "another volume of this job")


def _volume_names(job: Job, computed: MapNode, path: KeyPath) -> Iterator[Problem]:
    """One name for two sources."""
    sources: dict[str, tuple[str | None, ...]] = {}
    for index, volume in enumerate(job.volumes):
        source = (volume.kind, volume.source, volume.medium, volume.size)
        if sources.setdefault(volume.name, source) != source:
            place = position_at(computed, ("volumes", index, "name"))
            message = f"the name `{volume.name}` stands for two volumes"
            hint = "leave `name` out, or give each source its own"
            yield Problem.at(place, (*path, "volumes", index), "volume-name-taken", message, hint)
