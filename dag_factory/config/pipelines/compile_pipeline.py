"""One pipeline file: read once, then compiled for an environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config import budget, loader_work
from dag_factory.config.jobs import assets, compile_jobs, guard_problems
from dag_factory.config.jobs.compile_job import CompiledJob
from dag_factory.config.outcomes import AssetMention, PipelineResult
from dag_factory.config.pipelines import header as headers
from dag_factory.config.platform import alerts, teams
from dag_factory.config.platform.tables import Tables
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem, errors, first_ones, more_problems, until_many
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.source.relocate import relocated
from dag_factory.config.source.yaml_writer import to_yaml
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.templates import instances as families
from dag_factory.config.tree import (
    ListNode,
    MapNode,
    Node,
    Scalar,
    at,
    entries_of,
    is_null,
    is_set,
    map_node,
    to_python,
    without,
)
from dag_factory.settings import BOUNDS

SCHEMA = "pipeline.schema.json"
_FAULTS = 10 * BOUNDS.problems_per_file  # of one file; the DAGs after those are not looked at
_LESS_WORK = (
    "divide the file; an edge between two jobs counts 25, a param 40, a group 100, 32 bytes of `doc` 1, and two "
    "matrices have an edge for each pair of their cells"
)
_NOT_PIPELINE_LEVEL = ("version", "only", "defaults", "jobs", "environments", *families.CALL)


class Source(msgspec.Struct, frozen=True):
    """A pipeline file as it stands: its tree without what is wrong in it, and what is wrong."""

    id: str
    file: str
    node: MapNode | None
    problems: tuple[Problem, ...]

    @property
    def ids(self) -> dict[str, str | None]:
        """The DAG ids that the file claims, each with its instance's name."""
        if not self.node or not is_set(self.node.get("instances")):
            return {self.id: None}
        return {f"{self.id}.{name}": name for name in self.instances}

    @property
    def instances(self) -> dict[str, Position]:
        """The members of a family with their places; none where the file is a single pipeline."""
        return families.instances(self.node) if self.node else {}

    @property
    def team(self) -> str:
        """The first folder below ``pipelines/``, or nothing."""
        return self.id.split(".")[0] if "." in self.id else ""


class ResolvedPipeline(msgspec.Struct, frozen=True):
    """What a pipeline became after all layers, each value with the place that set it.

    ``written`` has the name that each task's job is written under, ``documents`` the trees of the files.
    """

    tree: MapNode
    written: dict[str, str]
    documents: dict[str, MapNode]


def compile_pipelines(source: Source, tables: Tables) -> tuple[list[PipelineResult], tuple[AssetMention, ...]]:
    """Every pipeline of a file as one environment sees it, one or a family's members, and the assets that they name."""
    results: list[PipelineResult] = []
    mentioned = faults = 0
    named: dict[tuple[str, str], AssetMention] = {}
    for dag_id in source.ids:
        if faults > _FAULTS:
            results.append(
                PipelineResult(dag_id, None, (more_problems(source.instances.get(dag_id) or Position(source.file)),))
            )
            continue
        result, whole = resolve_pipeline(source, tables, dag_id)
        for mention in assets.mentions(whole.tree, whole.written) if whole else ():
            named.setdefault((mention.name, mention.uri), mention)
            mentioned += 1
        faults += len(errors(result.problems))
        results.append(_with_text(result, whole))
    if source.node is not None and (much := _many_assets(len(named), mentioned, source.node.position)):
        return _first_ones([PipelineResult(result.id, None, (*result.problems, much)) for result in results]), ()
    return _first_ones(results), tuple(named.values())


def _many_assets(count: int, mentioned: int, position: Position) -> Problem | None:
    """Airflow keeps every mention of one, in one go for all DAGs of a loader."""
    hint = "name what others wait for"
    if count > BOUNDS.assets:
        message = f"the file names {count:,} assets, more than {BOUNDS.assets:,}"
    elif mentioned > BOUNDS.asset_mentions:
        message = f"the file names assets {mentioned:,} times, more than {BOUNDS.asset_mentions:,}"
    else:
        return None
    return Problem.at(position, (), "too-many-assets", message, hint)


def _first_ones(results: list[PipelineResult]) -> list[PipelineResult]:
    """The results with no more problems than a file may have; who had some keeps at least that there are more."""
    told, more = first_ones([problem for result in results for problem in result.problems])
    if not more:
        return results
    kept, last = {*map(id, told)}, told[-1]

    def few(result: PipelineResult) -> PipelineResult:
        some = tuple(problem for problem in result.problems if id(problem) in kept)
        told_of = some if len(some) == len(result.problems) else (*some, last)
        return msgspec.structs.replace(result, problems=told_of)

    return [few(result) for result in results]


def _with_text(result: PipelineResult, whole: ResolvedPipeline | None) -> PipelineResult:
    if result.pipeline is None or whole is None:
        return result
    pipeline = msgspec.structs.replace(result.pipeline, resolved=to_yaml(whole.tree))
    return msgspec.structs.replace(result, pipeline=pipeline, work=loader_work.of_pipeline(pipeline))


def compile_pipeline(source: Source, tables: Tables, dag_id: str | None = None) -> PipelineResult:
    """One pipeline of a file as one environment sees it, to be run: without ``resolved``, which people read.

    ``dag_id`` is one of ``source.ids``.
    """
    return resolve_pipeline(source, tables, dag_id)[0]


def resolve_pipeline(
    source: Source, tables: Tables, dag_id: str | None = None
) -> tuple[PipelineResult, ResolvedPipeline | None]:
    """The same, with all that it was made from where there is a pipeline; see ``budget.begin``."""
    dag_id = dag_id or source.id
    document = source.node
    if document is None:
        return PipelineResult(dag_id, None, source.problems), None
    problems = [*source.problems, *until_many(_environment_names(document, tables))]
    if not _exists_in(document, tables.environment):
        return PipelineResult(dag_id, None, tuple(problems)), None
    if tables.broken:
        message = f"not built: the tables of the environment `{tables.environment}` have problems of their own"
        hint = "see the problems under configs/platform/"
        problems.append(Problem(source.file, 0, 0, "broken-table", message, hint=hint))
        return PipelineResult(dag_id, None, tuple(problems)), None
    identity = {"id": dag_id, "team": source.team, "name": dag_id.split(".")[-1]}
    context: dict[str, Any] = {"vars": tables.vars, "environment": tables.environment, "pipeline": identity}
    team, trouble = teams.of(source.id, tables.teams, context, source.file)
    problems += trouble
    tables = (tables.within(team) if team.names else tables).hardened()
    document = _overlaid(document, tables, problems)
    problems += guard_problems.check_names("templates", [document.get("template")], tables.guards, ("template",))
    laid, trouble = families.from_template(document, source.ids.get(dag_id), tables.catalogue, context)
    problems += trouble
    if laid is None:
        return PipelineResult(dag_id, None, tuple(problems)), None
    document = laid
    header = merge(tables.pipeline_defaults, without(document, *_NOT_PIPELINE_LEVEL), shape(SCHEMA))
    assert isinstance(header, MapNode)
    header, header_problems = headers.compute(header, context)
    problems += header_problems
    context["pipeline"] = {**identity, "owner": headers.owner(header)}
    tables = headers.with_params_env(tables, header)
    compiled, trouble = compile_jobs.compile_jobs(document, header, tables, context, problems)
    problems += trouble
    problems += _check_alerts(compiled, header, tables)
    said = {job.name: job.node for job in compiled}
    problems += teams.check_required(team.guards.require, header, said, (source.node or document).position)
    pipeline = None
    if not errors(problems):
        header = headers.in_environment(header, tables)
        pipeline = headers.pipeline(
            dag_id,
            source.team,
            source.file,
            header,
            tables,
            tuple(job.job for job in compiled if job.job),
            compile_jobs.cells(compiled),
            _only(source.node),
        )
        tree = map_node(document.entries | header.entries, document.keys | header.keys, document.position)
        problems += guard_problems.check_pipeline(pipeline, tree, (source.node or document).position)
        if not budget.spend_dag_work(loader_work.beside_jobs(pipeline)):
            position = source.instances.get(dag_id.rpartition(".")[2]) or (source.node or document).position
            problems.append(Problem.at(position, (), "too-much-work", compile_jobs.MUCH_WORK, _LESS_WORK))
    if problems:
        problems = relocated(problems, {**tables.documents, source.file: source.node or document})
        once = {(problem.place, problem.code, problem.message): problem for problem in reversed(problems)}
        problems = list(first_ones(list(once.values()))[0])
    if pipeline is None or errors(problems):
        return PipelineResult(dag_id, None, tuple(problems)), None
    nodes: dict[str, Node] = {job.name: job.node for job in compiled}
    whole = map_node({**header.entries, "jobs": map_node(nodes, {}, document.position)}, {}, document.position)
    written = {job.name: job.written for job in compiled}
    documents = {**tables.documents, source.file: document if source.node is None else source.node}
    return PipelineResult(dag_id, pipeline, tuple(problems)), ResolvedPipeline(whole, written, documents)


def _only(document: MapNode | None) -> tuple[str, ...]:
    only = document.get("only") if document else None
    return tuple(map(str, to_python(only))) if isinstance(only, ListNode) else ()


def _exists_in(document: MapNode, environment: str) -> bool:
    only = document.get("only")
    return not isinstance(only, ListNode) or environment in to_python(only)


def _environment_names(document: MapNode, tables: Tables) -> Iterator[Problem]:
    known = tables.known_environments
    for index, item in enumerate(document.list("only")):
        if isinstance(item, Scalar) and item.value not in known:
            hint = did_you_mean(item.text, known)
            yield Problem.at(
                item.position, ("only", index), "unknown-environment", f"unknown environment `{item.text}`", hint
            )
    overlays = document.get("environments")
    for name in entries_of(overlays):
        if name not in known and isinstance(overlays, MapNode):
            hint, message = did_you_mean(name, known), f"unknown environment `{name}`"
            yield Problem.at(overlays.keys[name], ("environments", name), "unknown-environment", message, hint)


def _overlaid(document: MapNode, tables: Tables, problems: list[Problem]) -> MapNode:
    """The document with its own words for this environment merged into it."""
    path = ("environments", tables.environment)
    overlay = at(document, path)
    base = without(document, "environments")
    if not isinstance(overlay, MapNode):
        return base
    known = document.map("jobs").entries
    overlay_jobs = overlay.get("jobs")
    if known and overlay_jobs is not None and is_null(overlay_jobs):
        message = f"`jobs: null` would remove all jobs in `{tables.environment}`"
        hint = "remove single jobs, as `jobs: {report: null}`, or leave the environment out of `only`"
        problems.append(Problem.at(overlay.keys["jobs"], (*path, "jobs"), "no-jobs", message, hint))
        overlay = without(overlay, "jobs")
    for name, node in entries_of(overlay_jobs).items():
        if is_null(node) and name not in known and isinstance(overlay_jobs, MapNode):
            message, hint = f"there is no job `{name}` to remove", did_you_mean(name, known)
            problems.append(Problem.at(overlay_jobs.keys[name], (*path, "jobs", name), "unknown-job", message, hint))
    merged = merge(base, overlay, shape(SCHEMA), unset=False)
    assert isinstance(merged, MapNode)
    left = merged.get("jobs")
    if not isinstance(left, MapNode):
        return merged
    removed = [name for name, node in left.entries.items() if is_null(node)]
    return map_node({**merged.entries, "jobs": without(left, *removed)}, merged.keys, merged.position)


def _check_alerts(compiled: list[CompiledJob], header: MapNode, tables: Tables) -> Iterator[Problem]:
    has_deadline = is_set(header.get("deadline"))
    yield from alerts.check(header.get("alerts"), tables.channels, has_deadline, ("alerts",))
    for job in compiled:
        path = ("jobs", job.written, "alerts")
        yield from alerts.check(job.node.get("alerts"), tables.channels, has_deadline, path)
