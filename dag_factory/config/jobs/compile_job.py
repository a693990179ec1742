"""One job: collect its layers, resolve them to one tree, check the tree, and make a model of it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dag_factory.config.guard_rules import NONE
from dag_factory.config.ids import JobName, TaskId
from dag_factory.config.jobs import assets, for_each, job_model, larger_flavors
from dag_factory.config.jobs.checks import containers, kubernetes_values, limits, pod_rules, pool, volumes
from dag_factory.config.jobs.job_layers import JobLayers, JobSource, collect_layers, merge_layers
from dag_factory.config.jobs.resolve_job import ResolvedJob, resolve
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.model import Flavor, Job
from dag_factory.config.platform import images, local_images, retries
from dag_factory.config.pod.security_standards import may_violate_baseline
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.source import image_folders
from dag_factory.config.tree import MapNode, is_set, map_node


class CompiledJob(msgspec.Struct, frozen=True):
    """The model of a job (None if it has errors), its resolved tree, and its problems.

    ``name`` is its task's, ``source_name`` its name in the file, which all cells of a matrix share.
    """

    name: TaskId
    source_name: JobName
    position: Position
    node: MapNode
    job: Job | None
    problems: tuple[Problem, ...]


def compile_job(source: JobSource, pipeline: Scope, build: bool = True) -> CompiledJob:
    """Compile one job of a pipeline. Without ``build``, because the pipeline has errors, only its tree is made."""
    scope = job_scope(source, pipeline)
    layers = collect_layers(source, scope)
    resolved = resolve(layers, scope)
    if layers.call_errors:  # the values of the template are missing, so other errors may be wrong
        return CompiledJob(source.task, source.name, source.position, resolved.tree, None, layers.call_errors)
    scope.report(_check_tree(resolved, layers, scope))
    tree, job = resolved.tree, None
    if build and layers.flavor and scope.has_no_errors:
        job = _model(source, resolved, layers.flavor.entry.flavor, scope)
        if larger_flavors.climbs(job.retries) and scope.has_no_errors:
            job = larger_flavors.add_larger_flavors(job, layers, resolved, scope)
        tree = _with_final_flavor(tree, layers)
    return CompiledJob(source.task, source.name, source.position, tree, job, tuple(scope.problems))


def compile_name(source: JobSource) -> CompiledJob:
    """A job that cannot be compiled. It keeps its name, so that references to it are not reported."""
    tree = merge_layers([source.own], source.base)
    return CompiledJob(TaskId(source.name), source.name, source.position, tree, None, ())


def job_scope(source: JobSource, pipeline: Scope) -> Scope:
    """The scope of a job in the scope of its pipeline."""
    context = {**pipeline.context, "job": {"name": source.task}}
    if source.cell:
        context["matrix"] = source.cell.values
    return Scope(("jobs", source.name), source.position, pipeline.tables, context)


def _check_tree(resolved: ResolvedJob, layers: JobLayers, scope: Scope) -> Iterator[Problem]:
    """All checks of the resolved values."""
    tree, path, tables = resolved.tree, scope.path, scope.tables
    yield from images.check(tree, tables.mirrors, tables.environment, path)
    own_rule = tree.get("retries")
    if isinstance(own_rule, MapNode) and not resolved.retry_rule:
        yield from retries.check(own_rule, (*path, "retries"))
    yield from limits.check_names("presets", tree.list("presets"), tables.guards, (*path, "presets"))
    yield from limits.check_names("templates", [layers.call.get("uses")], tables.guards, (*path, "uses"))
    if not is_set(tree.get("docker_image")):
        message, hint = f"the job `{path[1]}` has no `docker_image`", "set it on the job or under `defaults`"
        yield Problem.at(scope.position, path, "missing-key", message, hint)
    yield from pool.check(tree, tables.pools, path)
    yield from volumes.check_mounts(tree, path)
    yield from kubernetes_values.check(tree, path)
    if tables.environment == image_folders.ENVIRONMENT:
        yield from local_images.check(tree, tables.images, path)
    for key in ("inlets", "outlets"):
        yield from assets.check(tree.get(key), (*path, key))
    yield from for_each.check(tree.get("for_each"), tree.get("env"), (*path, "for_each"))


def _model(source: JobSource, resolved: ResolvedJob, flavor: Flavor, scope: Scope) -> Job:
    """The model of a job, with the checks of its containers and of its final pod."""
    tree, tables = resolved.tree, scope.tables
    job = job_model.make_job(source.task, flavor, tree, source.cell.values if source.cell else {}, resolved.retry_rule)
    job = msgspec.structs.replace(job, line=_line(source.position))
    scope.report(volumes.check_names(job, tree, scope.path))
    scope.report(containers.check(job, tree, scope.path))
    if (tables.guards != NONE or may_violate_baseline(job)) and scope.has_no_errors:
        flavors = [entry.flavor for entry in tables.flavors.values()]
        scope.report(limits.check(job, tree, tables.cluster, tables.guards, flavors, scope.position, scope.path))
    if scope.has_no_errors:  # a broken limit would be reported again, as a conflict of values
        scope.report(pod_rules.check(job, tree, tables.cluster, scope.position, scope.path))
    return job


def _line(position: Position) -> int:
    """The line that a person edits: for a job of a template, that of the call."""
    return _line(position.caller) if position.caller else position.line


def _with_final_flavor(tree: MapNode, layers: JobLayers) -> MapNode:
    """The tree with the flavor by which the environment replaces that of the job."""
    if not layers.flavor or not layers.flavor.replacement:
        return tree
    entries = {**tree.entries, "resource_flavor": layers.flavor.replacement}
    return map_node(entries, tree.keys, tree.position)
