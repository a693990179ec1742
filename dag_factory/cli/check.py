"""``dagf check``: the problems of all files, without importing Airflow."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from dag_factory import settings
from dag_factory.cli import report
from dag_factory.config import Problem, ProjectError
from dag_factory.config.problems import errors
from dag_factory.config.project.survey import Survey, survey


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--env", "environments", multiple=True, metavar="NAME", help="Only this environment. Default: all.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The folder that holds configs/.")
@click.option("--format", "form", type=click.Choice(["text", "line", "json"]), default="text", help="How to print.")
def check(paths: tuple[Path, ...], environments: tuple[str, ...], home: Path | None, form: str) -> None:
    """Print the problems of all configuration files, or of those below PATHS.

    Every environment is checked. Exit code: 0 without errors, 1 with errors, 2 where the check could not run.
    """
    root = find_home(home, paths)
    gc.disable()  # the process ends soon and holds little that goes in circles: a tenth of its time
    found = survey(root, environments)
    chosen = _below(found, root, paths)
    if form == "json":
        click.echo(report.as_json(chosen.problems))
    elif form == "line":
        for problem in chosen.problems:
            click.echo(report.line(problem))
    else:
        report.print_problems(chosen.problems, root)
        click.echo(report.summary(chosen.problems, chosen.pipelines, chosen.environments), err=True)
    raise SystemExit(1 if errors(chosen.problems) else 0)


def find_home(home: Path | None, paths: Sequence[Path]) -> Path:
    """The project's folder: as said, by ``DAG_FACTORY_HOME``, or the nearest one upward that holds ``configs/``.

    Raises ``ProjectError`` where there is none.
    """
    given = home or settings.home()
    if given:
        return given.absolute()
    start = _real(paths[0]) if paths else Path.cwd()
    for folder in (start, *start.parents):
        if (folder / "configs").is_dir():
            return folder
    hint = "run inside a project, or name it with --home"
    raise ProjectError(Problem("configs", 0, 0, "no-project", f"no configs/ folder in {start} or above", hint=hint))


def _below(found: Survey, root: Path, paths: Iterable[Path]) -> Survey:
    """What was found in the files named, or below the folders named."""
    if not paths:
        return found
    root = root.resolve()
    wanted = [_real(path) for path in paths]
    for path in wanted:
        if not path.is_relative_to(root / "configs") and not (root / "configs").is_relative_to(path):
            raise click.UsageError(f"{path} lies outside {root / 'configs'}")

    def inside(file: str) -> bool:
        return any((root / file).is_relative_to(path) for path in wanted)

    problems = tuple(problem for problem in found.problems if inside(problem.file))
    return Survey(found.environments, tuple(file for file in found.pipelines if inside(file)), problems)


def _real(path: Path) -> Path:
    """The path without `..`, its folder's links followed; a linked file keeps its own name."""
    if not os.path.lexists(path):
        raise click.UsageError(f"{path} does not exist")
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name
