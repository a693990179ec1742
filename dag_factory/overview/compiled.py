"""The pipelines of a project in one environment, without their last good versions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from dag_factory import settings
from dag_factory.config.file_results import FileResult
from dag_factory.config.ids import DagId
from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project import conflicts
from dag_factory.config.project.open_project import find_platform, select_environment
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import candidate_files, file_exists, list_files
from dag_factory.config.storage.read_file import read


class Compiled(msgspec.Struct, frozen=True):
    """The pipelines without errors, and the ids of those with errors."""

    pipelines: tuple[Pipeline, ...]
    broken: tuple[DagId, ...]


class One(msgspec.Struct, frozen=True):
    """One pipeline; without it, ``problems`` are its errors. ``exists``: a file defines it in the environment."""

    pipeline: Pipeline | None
    problems: tuple[Problem, ...]
    exists: bool


def open_environments(home: Path, names: Sequence[str] = ()) -> list[Project]:
    """The project in some environments: the named ones, else that of the process, else all. Raises ``ProjectError``."""
    platform = find_platform(home)
    selected = tuple(dict.fromkeys(names)) or ((settings.environment(),) if settings.environment() else ())
    return [select_environment(platform, name, str(home)) for name in selected or platform.environments]


def compile_pipelines(project: Project) -> Compiled:
    """Every pipeline of the environment, sorted by id."""
    cache = project.cache()
    ids = list_files(project.home).ids
    results: list[FileResult] = [project.file_result(read(project.home, one), cache)[0] for one in ids]
    found = [one for result in conflicts.reject_duplicate_ids(results, set(ids)) for one in result.results]
    pipelines = [one.pipeline for one in found if one.pipeline is not None and not errors(one.problems)]
    broken = [one.id for one in found if errors(one.problems)]
    return Compiled(tuple(sorted(pipelines, key=lambda one: one.id)), tuple(sorted(broken)))


def compile_pipeline(project: Project, dag_id: str) -> One:
    """One pipeline by the id of its DAG. Reads at most two files."""
    cache = project.cache()
    for file_id in candidate_files(DagId(dag_id)):
        if file_exists(project.home, file_id):
            result, _ = project.file_result(read(project.home, file_id), cache, DagId(dag_id))
            for one in result.results:
                if one.id == dag_id and (one.pipeline is not None or one.problems):
                    problems = errors(one.problems)
                    return One(None if problems else one.pipeline, problems, True)
            if not result.readable:
                return One(None, tuple(problem for one in result.results for problem in one.problems), True)
    return One(None, (), False)


def pipeline_ids(project: Project) -> tuple[DagId, ...]:
    """The id of every pipeline of the environment, with or without errors."""
    found = compile_pipelines(project)
    return tuple(sorted({*(pipeline.id for pipeline in found.pipelines), *found.broken}))
