"""Every file of a project in every environment: what ``dagf check`` and CI check."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from dag_factory.config.file_results import FileResult
from dag_factory.config.ids import FileId
from dag_factory.config.problems import Problem
from dag_factory.config.project import conflicts
from dag_factory.config.project.open_project import find_platform, select_environment
from dag_factory.config.project.project import Project
from dag_factory.config.project.unused_teams import check_unused_teams
from dag_factory.config.source.layout import list_files
from dag_factory.config.storage.read_file import read

_FILES_PER_PROCESS = 64  # for fewer files it is not worth starting a process


class Survey(msgspec.Struct, frozen=True):
    """The environments, the pipeline files, and every problem once, sorted by position."""

    environments: tuple[str, ...]
    pipelines: tuple[str, ...]
    problems: tuple[Problem, ...]


def survey(home: Path, environments: Sequence[str] = (), original: Path | None = None) -> Survey:
    """Check a project in some environments, or in all, on every core. Raises ``ProjectError``.

    ``original``: the project of which ``home`` is a copy. It has the cache.
    """
    platform = find_platform(home)
    names = tuple(dict.fromkeys(environments)) or platform.environments
    projects = [select_environment(platform, name, str(original or home)) for name in names]
    file_ids, listing_problems, *_ = list_files(home)
    environments_of: dict[Problem, list[str]] = {problem: list(names) for problem in listing_problems}
    for project in projects:
        summary = project.summary()
        for problem in (*summary.problems, *check_unused_teams(summary.teams, file_ids)):
            environments_of.setdefault(problem, []).append(project.environment)
    by_environment = _compile_on_every_core(projects, file_ids)
    for environment, results in by_environment:
        for problem in conflicts.find_problems(conflicts.reject_duplicate_ids(results, set(file_ids))):
            environments_of.setdefault(problem, []).append(environment)
    files = tuple(one.file for environment, results in by_environment if environment == names[0] for one in results)
    problems = sorted(with_environments(problem, seen, names) for problem, seen in environments_of.items())
    return Survey(names, files, tuple(problems))


def _compile_on_every_core(
    projects: Sequence[Project], file_ids: Sequence[FileId]
) -> list[tuple[str, list[FileResult]]]:
    """The result of each file in each environment, without the pipelines."""
    count = min(os.cpu_count() or 1, len(file_ids) // _FILES_PER_PROCESS)
    if count < 2 or multiprocessing.current_process().daemon:
        return _compile_part(projects, file_ids)
    parts = [file_ids[start::count] for start in range(count)]
    with ProcessPoolExecutor(count, multiprocessing.get_context("fork")) as pool:
        found = [one for part in pool.map(_compile_part, [projects] * count, parts) for one in part]
    return sorted(found, key=lambda one: one[0])


def _compile_part(projects: Sequence[Project], file_ids: Iterable[FileId]) -> list[tuple[str, list[FileResult]]]:
    file_ids = list(file_ids)
    caches = [(project, project.cache()) for project in projects]
    found: dict[str, list[FileResult]] = {project.environment: [] for project in projects}
    for file_id in file_ids:  # a file is read and parsed once for all environments
        text = read(projects[0].home, file_id)
        for project, cache in caches:
            found[project.environment].append(_without_pipelines(project.file_result(text, cache)[0]))
    return list(found.items())


def _without_pipelines(found: FileResult) -> FileResult:
    """The problems, which are all that is sent between processes."""
    results = tuple(msgspec.structs.replace(result, pipeline=None) for result in found.results)
    return msgspec.structs.replace(found, results=results)


def with_environments(problem: Problem, seen: list[str], names: tuple[str, ...]) -> Problem:
    """The problem with the environments that have it, unless all of them do."""
    if len(set(seen)) == len(names) or any(f"`{name}`" in problem.message for name in seen):
        return problem
    listed = ", ".join(f"`{name}`" for name in dict.fromkeys(seen))
    return msgspec.structs.replace(problem, message=f"{problem.message} (in {listed})")
