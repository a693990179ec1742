"""A project: the folder that holds ``configs/``, seen from one environment.

``open_project`` reads the platform's tables once; pipelines are read one by one, so that a worker that
runs one task reads one file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dag_factory import settings
from dag_factory.config import environments
from dag_factory.config.environments import FOLDER as ENVIRONMENTS
from dag_factory.config.model import Pipeline
from dag_factory.config.pipelines import Result, Source, compile_pipeline, compile_pipelines, read_pipeline
from dag_factory.config.problems import Problem, shown
from dag_factory.config.tables import FLAVORS_FILE, Tables, read_tables
from dag_factory.config.wording import did_you_mean, show

PIPELINES = "configs/pipelines"
DAG_ID_LENGTH = 250
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class ProjectError(Exception):
    """There is nothing to compile: no ``configs/``, or no environment to compile for."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.message} ({problem.hint})" if problem.hint else problem.message)
        self.problems: tuple[Problem, ...] = (problem,)


@dataclass(frozen=True)
class Compiled:
    """Pipelines that can be built, in the order of their ids, and every problem, sorted by place."""

    pipelines: tuple[Pipeline, ...]
    problems: tuple[Problem, ...]
    pools: dict[str, int]


@dataclass(frozen=True)
class Project:
    """A project in one environment."""

    home: Path
    environment: str
    tables: Tables

    def compile_all(self) -> Compiled:
        """Every pipeline of the environment."""
        found, problems = list_files(self.home)
        problems += [problem for template in self.tables.catalogue.own() for problem in template.problems]
        sources, clashes = read_all(self.home, found)
        results = [result for source in sources for result in compile_pipelines(source, self.tables)]
        return self._compiled(results, (*self.tables.problems, *problems, *clashes))

    def compile_one(self, dag_id: str) -> Compiled:
        """One pipeline, by the id of its DAG; nothing where there is no such file.

        Looks at two files at most: the pipeline's own, and the one that it could be an instance of.
        """
        if not is_dag_id(dag_id):
            return self._compiled([], ())
        for file_id in dict.fromkeys((dag_id, dag_id.rpartition(".")[0] or dag_id)):
            if _is_there(self.home, file_id):
                source = read(self.home, file_id)
                if dag_id in source.ids:
                    return self._compiled([compile_pipeline(source, self.tables, dag_id)], ())
        return self._compiled([], ())

    def _compiled(self, results: Iterable[Result], problems: Iterable[Problem]) -> Compiled:
        results = list(results)
        every = {*problems, *(problem for result in results for problem in result.problems)}
        pipelines = tuple(result.pipeline for result in results if result.pipeline)
        return Compiled(pipelines, tuple(sorted(every)), self.tables.pools)


def open_project(home: Path | None = None, environment: str | None = None) -> Project:
    """The project in ``home`` for ``environment``; both default to the process's settings.

    Raises ``ProjectError`` where there is no project, or where no environment can be told.
    """
    home = (home or settings.home() or Path.cwd()).absolute()
    names = check_home(home)
    environment = environment or settings.environment()
    if environment is None:
        if len(names) != 1:
            hint = f"set DAG_FACTORY_ENV to one of: {', '.join(names)}"
            problem = Problem(
                ENVIRONMENTS, 0, 0, "no-environment", "several environments, and none is chosen", hint=hint
            )
            raise ProjectError(problem)
        environment = names[0]
    if environment not in names:
        message = f"unknown environment `{environment}`"
        raise ProjectError(
            Problem(ENVIRONMENTS, 0, 0, "unknown-environment", message, hint=did_you_mean(environment, names))
        )
    return Project(home, environment, read_tables(home, environment))


def check_home(home: Path) -> tuple[str, ...]:
    """The environments of the project in ``home``. Raises ``ProjectError`` where it has none."""
    if not (home / "configs").is_dir():
        hint = "set DAG_FACTORY_HOME to the folder that holds configs/, or run inside it"
        raise ProjectError(Problem("configs", 0, 0, "no-project", f"no configs/ folder in {home}", hint=hint))
    names = environments.names(home)
    if not names:
        hint = f"create {ENVIRONMENTS}/local.yaml; it begins with `version: 1`"
        raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "no-environment", "the project has no environment", hint=hint))
    return names


def list_files(home: Path) -> tuple[list[str], list[Problem]]:
    """The ids of all pipeline files, sorted, and what is wrong with files that would be some, or environments."""
    found: list[str] = []
    problems: list[Problem] = environments.misnamed(home)
    for path in _files(home / PIPELINES, home, problems):
        relative = path.relative_to(home / PIPELINES)
        file = shown(f"{PIPELINES}/{relative.as_posix()}")
        if path.suffix == ".yml":
            problems.append(Problem(file, 0, 0, "bad-name", "the file ends in .yml", hint="rename it to .yaml"))
            continue
        wrong = next((part for part in relative.with_suffix("").parts if not _NAME.fullmatch(part)), None)
        dag_id = ".".join(relative.with_suffix("").parts)
        if wrong is not None:
            message = f"{show(shown(wrong))} cannot be part of a DAG's id"
            hint = "use lower case letters, digits, `-` and `_`, a letter or digit first"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint=hint))
        elif len(dag_id) > DAG_ID_LENGTH:
            message = f"the DAG's id would have {len(dag_id)} characters, more than Airflow's {DAG_ID_LENGTH}"
            problems.append(Problem(file, 0, 0, "bad-name", message, hint="shorten the names of file and folders"))
        else:
            found.append(dag_id)
    return sorted(found), problems


def _files(folder: Path, home: Path, problems: list[Problem]) -> Iterator[Path]:
    """Every YAML file below a folder; hidden ones are passed over, what cannot be walked is told."""
    name = shown(folder.relative_to(home).as_posix())
    try:
        if folder.is_symlink():
            hint = "commit the folder itself"
            problems.append(Problem(name, 0, 0, "linked-folder", "links to folders are not followed", hint=hint))
            return
        children = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as failure:
        message = f"cannot be read: {failure.strerror}"
        problems.append(Problem(name, 0, 0, "unreadable", message, hint="check the folder's mode"))
        return
    for path in children:
        if path.name.startswith("."):
            continue
        if path.suffix in (".yaml", ".yml"):
            yield path
        elif os.path.isdir(path):  # noqa: PTH112 - says no, where is_dir() raises
            yield from _files(path, home, problems)


def _is_there(home: Path, dag_id: str) -> bool:
    """Whether there is the file of a pipeline, in a folder that would be walked."""
    path = path_of(home, dag_id)
    folders = path.parents[: len(dag_id.split("."))]
    return os.path.lexists(path) and not any(folder.is_symlink() for folder in folders)


def is_dag_id(text: str) -> bool:
    """Whether a text could be the id of a pipeline's DAG."""
    return len(text) <= DAG_ID_LENGTH and all(_NAME.fullmatch(part) for part in text.split("."))


def path_of(home: Path, dag_id: str) -> Path:
    """The file of a pipeline, by its DAG's id."""
    return (home / PIPELINES / Path(*dag_id.split("."))).with_name(dag_id.split(".")[-1] + ".yaml")


def read_all(home: Path, ids: Sequence[str]) -> tuple[list[Source], list[Problem]]:
    """Every file of some ids, and a problem for each instance that claims the id of another file.

    The file keeps the id.
    """
    sources, problems = [], []
    for file_id in ids:
        source = read(home, file_id)
        for dag_id, instance in source.ids.items():
            if instance is not None and dag_id in ids:
                message = f"the instance `{instance}` would be the DAG `{dag_id}`, which is a file of its own"
                mark = source.instances[instance]
                hint = "rename one of the two"
                problems.append(Problem.at(mark, ("instances", instance), "duplicate-id", message, hint))
                source = source.without(instance)
            elif len(dag_id) > DAG_ID_LENGTH and instance is not None:
                message = f"the DAG's id would have {len(dag_id)} characters, more than Airflow's {DAG_ID_LENGTH}"
                problems.append(Problem.at(source.instances[instance], ("instances", instance), "bad-name", message))
                source = source.without(instance)
        sources.append(source)
    return sources, problems


def read(home: Path, dag_id: str) -> Source:
    """A pipeline's file, read and held against the schema."""
    path = path_of(home, dag_id)
    return read_pipeline(path, home / "configs", path.relative_to(home).as_posix(), dag_id)


__all__ = ["FLAVORS_FILE", "Compiled", "Project", "ProjectError", "list_files", "open_project"]
