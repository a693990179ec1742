"""Find a project and choose its environment."""

from __future__ import annotations

from pathlib import Path

from dag_factory import settings
from dag_factory.config.problems import Problem
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import ENVIRONMENTS
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean


class ProjectError(Exception):
    """There is nothing to compile: no ``configs/``, or no environment to compile for."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.message} ({problem.hint})" if problem.hint else problem.message)
        self.problems: tuple[Problem, ...] = (problem,)


def open_project(home: Path | None = None, environment: str | None = None, name: str = "") -> Project:
    """The project in ``home`` for ``environment``; both default to the process's settings, ``name`` to the home.

    Raises ``ProjectError`` if there is no project, or if it is not clear which environment to use.
    """
    home = (home or settings.home() or Path.cwd()).absolute()
    return select_environment(find_platform(home), environment or settings.environment(), name or str(home))


def find_platform(home: Path) -> PlatformFiles:
    """The platform's files of the project in ``home``. Raises ``ProjectError`` if it has no environment."""
    if not (home / "configs").is_dir():
        hint = "set DAG_FACTORY_HOME to the folder that holds configs/, or run inside it"
        raise ProjectError(Problem("configs", 0, 0, "no-project", f"no configs/ folder in {home}", hint=hint))
    platform = PlatformFiles(home)
    if not platform.environments:
        hint = f"create {ENVIRONMENTS}/local.yaml; it begins with `version: 1`"
        raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "no-environment", "the project has no environment", hint=hint))
    return platform


def select_environment(platform: PlatformFiles, environment: str | None, name: str) -> Project:
    """The project in one environment; if none is given, in its only one. Raises ``ProjectError`` as above."""
    names = platform.environments
    if environment is None:
        if len(names) != 1:
            message = "the project has several environments, and none is selected"
            hint = f"set DAG_FACTORY_ENV to one of: {', '.join(names)}"
            raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "no-environment", message, hint=hint))
        environment = names[0]
    if environment not in names:
        message, hint = f"unknown environment `{environment}`", did_you_mean(environment, names)
        raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "unknown-environment", message, hint=hint))
    return Project(platform, environment, name)
