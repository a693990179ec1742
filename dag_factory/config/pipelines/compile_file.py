"""A pipeline file's bytes compiled for one environment."""

from __future__ import annotations

from functools import lru_cache

from dag_factory.config import budget
from dag_factory.config.outcomes import AssetMention, FileResult
from dag_factory.config.pipelines.compile_pipeline import SCHEMA, Source, compile_pipeline, compile_pipelines
from dag_factory.config.platform.tables import Tables
from dag_factory.config.problems import Problem
from dag_factory.config.source import documents
from dag_factory.config.templates import instances
from dag_factory.settings import BOUNDS


def outcome(file_id: str, file: str, data: bytes | Problem, tables: Tables, dag_id: str | None = None) -> FileResult:
    """Compile a file's bytes; only one of its DAGs where ``dag_id`` says so."""
    budget.begin()
    read = source(file_id, file, data)
    named: tuple[AssetMention, ...] = ()
    if dag_id is None:
        results, named = compile_pipelines(read, tables)
    else:
        claimed = read.node is None or dag_id in read.ids
        results = [compile_pipeline(read, tables, dag_id if read.node else None)] if claimed else []
    return FileResult(file_id, file, tuple(results), read.instances, read.node is not None, named)


@lru_cache(8)
def source(file_id: str, file: str, data: bytes | Problem) -> Source:
    """The file read and held against its schema: the same for every environment."""
    document = documents.parse(data, file, SCHEMA)
    found = Source(file_id, file, document.node and instances.filled(document.node), document.problems)
    return found if len(found.instances) <= BOUNDS.instances else _without_instances(found)


def _without_instances(found: Source) -> Source:
    message = f"the file has {len(found.instances):,} instances, more than {BOUNDS.instances:,}"
    position = next(iter(found.instances.values()))
    problem = Problem.at(position, ("instances",), "too-many-instances", message, "divide it into several files")
    return Source(found.id, found.file, None, (*found.problems, problem))
