"""Every file of a project, in every environment: what ``dagf check`` and CI look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dag_factory.config.catalogue import Catalogue
from dag_factory.config.pipelines import compile_pipelines
from dag_factory.config.problems import Problem
from dag_factory.config.project import check_home, list_files, open_project, read_all
from dag_factory.config.tables import read_tables


@dataclass(frozen=True)
class Survey:
    """The environments looked at, the pipeline files, and every problem once, sorted by place."""

    environments: tuple[str, ...]
    pipelines: tuple[str, ...]
    problems: tuple[Problem, ...]


def survey(home: Path, environments: Sequence[str] = ()) -> Survey:
    """Look at a project for some environments, or for all. Raises ``ProjectError`` where there is no project."""
    names = tuple(dict.fromkeys(environments)) or check_home(home)
    tables = [open_project(home, name).tables if environments else read_tables(home, name) for name in names]
    ids, found = list_files(home)
    found += [problem for template in Catalogue(home).own() for problem in template.problems]
    sources, clashes = read_all(home, ids)
    found += clashes
    everywhere: dict[Problem, list[str]] = {problem: list(names) for problem in found}
    files = []
    for environment in tables:
        for problem in environment.problems:
            everywhere.setdefault(problem, []).append(environment.environment)
    for source in sources:
        files.append(source.file)
        for environment in tables:
            for result in compile_pipelines(source, environment):
                for problem in result.problems:
                    everywhere.setdefault(problem, []).append(environment.environment)
    problems = sorted(_where(problem, seen, names) for problem, seen in everywhere.items())
    return Survey(names, tuple(files), tuple(problems))


def _where(problem: Problem, seen: list[str], names: tuple[str, ...]) -> Problem:
    """The problem, with the environments that have it where not all do."""
    if len(set(seen)) == len(names) or any(f"`{name}`" in problem.message for name in seen):
        return problem
    listed = ", ".join(dict.fromkeys(seen))
    return msgspec.structs.replace(problem, message=f"{problem.message} (in {listed})")
