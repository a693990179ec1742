"""Every file of a project, in every environment: what ``dagf check`` and CI look at."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from dag_factory.config.outcomes import FileResult
from dag_factory.config.problems import Problem
from dag_factory.config.project import conflicts
from dag_factory.config.project.project import Project, chosen, platform_of
from dag_factory.config.project.read_file import read
from dag_factory.config.project.unused_teams import unused
from dag_factory.config.source.layout import list_files

_ENOUGH = 64  # files for each process; fewer are not worth starting one


class Survey(msgspec.Struct, frozen=True):
    """The environments looked at, the pipeline files, and every problem once, sorted by place."""

    environments: tuple[str, ...]
    pipelines: tuple[str, ...]
    problems: tuple[Problem, ...]


def survey(home: Path, environments: Sequence[str] = ()) -> Survey:
    """Look at a project for some environments, or for all, on every core. Raises ``ProjectError``."""
    platform = platform_of(home)
    names = tuple(dict.fromkeys(environments)) or platform.environments
    projects = [chosen(platform, name, str(home)) for name in names]
    ids, found, *_ = list_files(home)
    everywhere: dict[Problem, list[str]] = {problem: list(names) for problem in found}
    for project in projects:
        summary = project.summary()
        for problem in (*summary.problems, *unused(summary.teams, ids)):
            everywhere.setdefault(problem, []).append(project.environment)
    outcomes = _on_every_core(projects, ids)
    for environment, part in outcomes:
        for problem in conflicts.problems(conflicts.without_clashes(part, set(ids))):
            everywhere.setdefault(problem, []).append(environment)
    files = tuple(one.file for environment, part in outcomes if environment == names[0] for one in part)
    problems = sorted(_where(problem, seen, names) for problem, seen in everywhere.items())
    return Survey(names, files, tuple(problems))


def _on_every_core(projects: Sequence[Project], ids: Sequence[str]) -> list[tuple[str, list[FileResult]]]:
    """What came of each file in each environment, the pipelines left out."""
    count = min(os.cpu_count() or 1, len(ids) // _ENOUGH)
    if count < 2 or multiprocessing.current_process().daemon:
        return _part(projects, ids)
    parts = [ids[start::count] for start in range(count)]
    with ProcessPoolExecutor(count, multiprocessing.get_context("fork")) as pool:
        found = [one for part in pool.map(_part, [projects] * count, parts) for one in part]
    return sorted(found, key=lambda one: one[0])


def _part(projects: Sequence[Project], ids: Iterable[str]) -> list[tuple[str, list[FileResult]]]:
    ids = list(ids)
    kept = [(project, project.kept()) for project in projects]
    found: dict[str, list[FileResult]] = {project.environment: [] for project in projects}
    for file_id in ids:  # a file is read and parsed once for all environments
        text = read(projects[0].home, file_id)
        for project, store in kept:
            found[project.environment].append(_without_pipelines(project.outcome(text, store)[0]))
    return list(found.items())


def _without_pipelines(outcome: FileResult) -> FileResult:
    """What is sent from process to process: the problems."""
    results = tuple(msgspec.structs.replace(result, pipeline=None) for result in outcome.results)
    return msgspec.structs.replace(outcome, results=results)


def _where(problem: Problem, seen: list[str], names: tuple[str, ...]) -> Problem:
    """The problem, with the environments that have it where not all do."""
    if len(set(seen)) == len(names) or any(f"`{name}`" in problem.message for name in seen):
        return problem
    listed = ", ".join(dict.fromkeys(seen))
    return msgspec.structs.replace(problem, message=f"{problem.message} (in {listed})")
