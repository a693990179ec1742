"""A pipeline file's bytes compiled for one environment: all of its pipelines, within the limits of a file."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from dag_factory.config import budget, loader_work
from dag_factory.config.file_results import AssetMention, FileResult, PipelineResult
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.jobs import assets
from dag_factory.config.pipelines.compile_pipeline import ResolvedPipeline, compile_pipeline, resolve_pipeline
from dag_factory.config.pipelines.environment_overlay import SCHEMA
from dag_factory.config.pipelines.pipeline_source import PipelineSource
from dag_factory.config.platform.tables import Tables
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem, errors, limit_problems, more_problems
from dag_factory.config.source import documents
from dag_factory.config.source.yaml_writer import to_yaml
from dag_factory.config.templates import instances
from dag_factory.settings import BOUNDS

_ERRORS = 10 * BOUNDS.problems_per_file  # of one file; the DAGs after those are not compiled


def compile_file(
    file_id: FileId, file: str, data: bytes | Problem, tables: Tables, dag_id: DagId | None = None
) -> FileResult:
    """Compile a file's bytes; with ``dag_id`` only that one of its pipelines."""
    budget.reset()
    source = read_source(file_id, file, data)
    mentions: tuple[AssetMention, ...] = ()
    if dag_id is None:
        results, mentions = _compile_all(source, tables)
    else:
        claimed = source.node is None or dag_id in source.ids
        results = [compile_pipeline(source, tables, dag_id if source.node else None)] if claimed else []
    return FileResult(file_id, file, tuple(results), source.instances, source.node is not None, mentions)


@lru_cache(8)
def read_source(file_id: FileId, file: str, data: bytes | Problem) -> PipelineSource:
    """Read a file and validate it against its schema: the same for every environment."""
    document = documents.parse(data, file, SCHEMA)
    source = PipelineSource(
        file_id, file, document.node and instances.with_empty_jobs(document.node), document.problems
    )
    return source if len(source.instances) <= BOUNDS.instances else _without_instances(source)


def _without_instances(source: PipelineSource) -> PipelineSource:
    message = f"the file has {len(source.instances):,} instances; at most {BOUNDS.instances:,} are allowed"
    position = next(iter(source.instances.values()))
    problem = Problem.at(position, ("instances",), "too-many-instances", message, "split it into several files")
    return PipelineSource(source.id, source.file, None, (*source.problems, problem))


def _compile_all(source: PipelineSource, tables: Tables) -> tuple[list[PipelineResult], tuple[AssetMention, ...]]:
    """Every pipeline of a file, and each asset that they name, once."""
    results: list[PipelineResult] = []
    mention_count = error_count = 0
    assets_named: dict[tuple[str, str], AssetMention] = {}
    for dag_id in source.ids:
        if error_count > _ERRORS:
            unreported = more_problems(Position(source.file))  # `_limited` replaces it by one with a position
            results.append(PipelineResult(dag_id, None, (unreported,)))
            continue
        result, resolved = resolve_pipeline(source, tables, dag_id)
        for mention in assets.mentions(resolved.tree, resolved.source_names) if resolved else ():
            assets_named.setdefault((mention.name, mention.uri), mention)
            mention_count += 1
        error_count += len(errors(result.problems))
        results.append(_with_text(result, resolved))
    if source.node and (problem := _too_many_assets(len(assets_named), mention_count, source.node.position)):
        return _limited([PipelineResult(result.id, None, (*result.problems, problem)) for result in results]), ()
    return _limited(results), tuple(assets_named.values())


def _too_many_assets(count: int, mention_count: int, position: Position) -> Problem | None:
    """Airflow stores every mention of an asset, in one transaction for all DAGs of a loader."""
    hint = "name only the assets that other pipelines wait for"
    if count > BOUNDS.assets:
        message = f"the file names {count:,} assets; at most {BOUNDS.assets:,} are allowed"
    elif mention_count > BOUNDS.asset_mentions:
        message = f"the file names assets {mention_count:,} times; at most {BOUNDS.asset_mentions:,} are allowed"
    else:
        return None
    return Problem.at(position, (), "too-many-assets", message, hint)


def _limited(results: list[PipelineResult]) -> list[PipelineResult]:
    """The results with no more problems than a file may report; the last problem says that there are more."""
    reported, more = limit_problems([problem for result in results for problem in result.problems])
    if not more:
        return results
    kept, last = {*map(id, reported)}, reported[-1]

    def limit(result: PipelineResult) -> PipelineResult:
        some = tuple(problem for problem in result.problems if id(problem) in kept)
        problems = some if len(some) == len(result.problems) else (*some, last)
        return msgspec.structs.replace(result, problems=problems)

    return [limit(result) for result in results]


def _with_text(result: PipelineResult, resolved: ResolvedPipeline | None) -> PipelineResult:
    if result.pipeline is None or resolved is None:
        return result
    pipeline = msgspec.structs.replace(result.pipeline, resolved=to_yaml(resolved.tree))
    return msgspec.structs.replace(result, pipeline=pipeline, work=loader_work.of_pipeline(pipeline))
