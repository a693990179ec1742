"""One pipeline: merge its layers, compute its header, compile its jobs, check them, and make a model."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as SequenceT

import msgspec

from dag_factory.config import budget, loader_work
from dag_factory.config.file_results import PipelineResult
from dag_factory.config.ids import DagId
from dag_factory.config.jobs import compile_jobs
from dag_factory.config.jobs.checks import limits
from dag_factory.config.jobs.compile_job import CompiledJob
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.model import Pipeline
from dag_factory.config.pipelines import environment_overlay, params, pipeline_model
from dag_factory.config.pipelines import header as headers
from dag_factory.config.pipelines.environment_overlay import SCHEMA
from dag_factory.config.pipelines.pipeline_source import PipelineSource
from dag_factory.config.platform import alerts, teams
from dag_factory.config.platform.tables import Tables
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem, errors, limit_problems, up_to_limit
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.source.relocate import relocate_problems
from dag_factory.config.templates import instances
from dag_factory.config.tree import MapNode, Node, is_set, map_node, without

_LESS_WORK = (
    "split the file; an edge between two jobs counts 25 units, a param 40, a group 100, and 32 bytes of `doc` 1; "
    "two matrices have an edge for each pair of their cells"
)
_OF_BRACES = ("bad-cron", "unknown-flavor")  # what other checks say about a template
_NOT_IN_HEADER = ("version", "only", "defaults", "jobs", "environments", *instances.CALL_KEYS)


class ResolvedPipeline(msgspec.Struct, frozen=True):
    """A pipeline after all layers are merged, each value with the position that set it.

    ``source_names`` holds the name in the file of each task's job, ``documents`` the trees of the files. ``document``
    is the file with its template and its values for the environment, ``scope`` the scope of its jobs. The jobs can be
    taken apart again with them.
    """

    tree: MapNode
    source_names: dict[str, str]
    documents: dict[str, MapNode]
    document: MapNode
    scope: Scope


def compile_pipeline(source: PipelineSource, tables: Tables, dag_id: DagId | None = None) -> PipelineResult:
    """Compile one pipeline of a file to run it: without its resolved text, which is for people.

    ``dag_id`` is one of ``source.ids``.
    """
    return resolve_pipeline(source, tables, dag_id)[0]


def resolve_pipeline(
    source: PipelineSource, tables: Tables, dag_id: DagId | None = None
) -> tuple[PipelineResult, ResolvedPipeline | None]:
    """Compile one pipeline, and return also what it was made from if it has no errors. See ``budget.reset``."""
    dag_id = dag_id or DagId(source.id)
    if source.node is None:
        return PipelineResult(dag_id, None, source.problems), None
    scope = _scope(source, source.node.position, tables, dag_id)
    if not _can_compile(source, source.node, scope):
        return PipelineResult(dag_id, None, tuple(scope.problems)), None
    scope = _within_team(source, scope)
    document = _document(source.node, source.ids.get(dag_id), scope)
    if document is None:
        return PipelineResult(dag_id, None, tuple(scope.problems)), None
    header = _header(document, scope)
    scope = _with_header(scope, header)
    jobs = compile_jobs.compile_jobs(document, header, scope)
    scope.report(_check(header, jobs, scope))
    pipeline = None
    if scope.has_no_errors:
        header = headers.with_environment_values(header, scope.tables)
        only = environment_overlay.only_environments(source.node)
        pipeline = pipeline_model.make_pipeline(dag_id, source.team, source.file, only, header, jobs, scope.tables)
        scope.report(_check_model(pipeline, document, header, source, scope.position))
    files = {**scope.tables.documents, source.file: source.node}
    problems = _final_problems(scope, files)
    if pipeline is None or errors(problems):
        return PipelineResult(dag_id, None, problems), None
    nodes: dict[str, Node] = {job.name: job.node for job in jobs}
    tree = map_node({**header.entries, "jobs": map_node(nodes, {}, document.position)}, {}, document.position)
    resolved = ResolvedPipeline(tree, {job.name: job.source_name for job in jobs}, files, document, scope)
    return PipelineResult(dag_id, pipeline, problems), resolved


def _scope(source: PipelineSource, position: Position, tables: Tables, dag_id: DagId) -> Scope:
    identity = {"id": dag_id, "team": source.team, "name": dag_id.split(".")[-1]}
    context = {"vars": tables.vars, "environment": tables.environment, "pipeline": identity}
    return Scope((), position, tables, context, [*source.problems])


def _can_compile(source: PipelineSource, node: MapNode, scope: Scope) -> bool:
    """Whether the pipeline exists in the environment, and the platform files of the environment have no errors."""
    tables = scope.tables
    scope.report(up_to_limit(environment_overlay.check_names(node, tables.known_environments)))
    if not environment_overlay.exists_in(node, tables.environment):
        return False
    if tables.broken:
        message = f"not built: the platform files of the environment `{tables.environment}` have errors"
        scope.report(
            [Problem(source.file, 0, 0, "broken-table", message, hint="fix the errors under configs/platform/")]
        )
    return not tables.broken


def _within_team(source: PipelineSource, scope: Scope) -> Scope:
    """The scope with the defaults and limits of the teams whose folders the file is in."""
    tables = scope.tables
    team = scope.value(teams.team_of_file(source.id, tables.teams, scope.context, source.file))
    tables = tables.for_team(team) if team.names else tables
    return msgspec.structs.replace(scope, tables=tables.harden_xcom_sidecar())


def _document(node: MapNode, instance: str | None, scope: Scope) -> MapNode | None:
    """The file with its values for the environment, merged over its template; None if the template has errors."""
    document = environment_overlay.with_overlay(node, scope)
    tables = scope.tables
    scope.report(limits.check_names("templates", [document.get("template")], tables.guards, ("template",)))
    return scope.value(instances.merge_template(document, instance, tables.catalog, scope.context))


def _header(document: MapNode, scope: Scope) -> MapNode:
    """The header of the document, merged over the platform's defaults and computed."""
    merged = merge(scope.tables.pipeline_defaults, without(document, *_NOT_IN_HEADER), shape(SCHEMA))
    assert isinstance(merged, MapNode)
    return headers.compute_header(merged, scope)


def _with_header(scope: Scope, header: MapNode) -> Scope:
    """The scope of the jobs, which can read the owner and have the params as variables."""
    identity = {**scope.context["pipeline"], "owner": headers.join_owners(header)}
    tables = params.with_variables(scope.tables, header)
    return msgspec.structs.replace(scope, tables=tables, context={**scope.context, "pipeline": identity})


def _check(header: MapNode, jobs: SequenceT[CompiledJob], scope: Scope) -> Iterator[Problem]:
    """Checks of the header and the jobs together: alert channels, and keys that a team requires."""
    tables = scope.tables
    has_deadline = is_set(header.get("deadline"))
    yield from alerts.check(header.get("alerts"), tables.channels, has_deadline, ("alerts",))
    for job in jobs:
        path = ("jobs", job.source_name, "alerts")
        yield from alerts.check(job.node.get("alerts"), tables.channels, has_deadline, path)
    nodes: dict[str, MapNode] = {job.name: job.node for job in jobs}
    yield from teams.check_required(tables.team.guards.require, header, nodes, scope.position)


def _check_model(
    pipeline: Pipeline, document: MapNode, header: MapNode, source: PipelineSource, position: Position
) -> Iterator[Problem]:
    """Limits of the pipeline as a whole: those of the platform, and the work that its DAG causes in Airflow."""
    tree = map_node(document.entries | header.entries, document.keys | header.keys, document.position)
    yield from limits.check_pipeline(pipeline, tree, position)
    if not budget.spend_dag_work(loader_work.beside_jobs(pipeline)):
        position = source.instances.get(pipeline.name) or position
        yield Problem.at(position, (), "too-much-work", compile_jobs.MUCH_WORK, _LESS_WORK)


def _final_problems(scope: Scope, files: dict[str, MapNode]) -> tuple[Problem, ...]:
    """Each problem once, with its path in its own file, and no more problems than a file may report.

    A template where nothing is rendered is reported as such, and not as an unknown flavor or a wrong cron expression.
    """
    if not scope.problems:
        return ()
    found = relocate_problems(scope.problems, files)
    templates = {(problem.location, problem.path) for problem in found if problem.code == "unrendered-template"}
    once = {
        (problem.location, problem.code, problem.message): problem
        for problem in reversed(found)
        if problem.code not in _OF_BRACES or (problem.location, problem.path) not in templates
    }
    return limit_problems(list(once.values()))[0]
