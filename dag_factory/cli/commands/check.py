"""``dagf check``: report the problems of all files, without importing Airflow."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from dag_factory.cli import code_hosts, report, terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.survey import Survey, survey


def check(
    paths: Sequence[Path], environments: Sequence[str], home: Path | None, output_format: str, fix: bool = False
) -> int:
    """Print the problems in ``environments`` (all if empty) of the files in ``paths`` (all if empty).

    ``fix``: first fix those that have exactly one fix.
    """
    if fix and environments:
        raise CouldNotRun("use --fix without --env: a change of a file has an effect in every environment")
    paths = [_resolve(path) for path in paths]
    root = find_home(home, paths[0] if paths else None)
    gc.disable()  # saves a tenth of the time; the process ends soon and has few reference cycles
    found = survey(root, tuple(environments))
    if fix:
        selected = _below(found, root.resolve(), paths).problems if paths else found.problems
        found = _fix(root, found, selected, terminal.write if output_format == "text" else terminal.note)
    if paths:
        found = _below(found, root.resolve(), paths)
    if output_format == "json":
        terminal.write(report.as_json(found.problems))
    elif output_format == "line":
        for problem in found.problems:
            terminal.write(report.line(problem))
    else:
        if output_format == "github":
            for command in code_hosts.github(found.problems, code_hosts.repository_folder(root)):
                terminal.write(command)
        elif output_format == "gitlab":
            terminal.write(code_hosts.gitlab(found.problems, code_hosts.repository_folder(root)))
        else:
            report.print_problems(found.problems, root)
        terminal.note(report.summary(found.problems, found.pipelines, found.environments))
    return 1 if errors(found.problems) else 0


def _fix(root: Path, found: Survey, selected: Sequence[Problem], show: Callable[[str], None]) -> Survey:
    """Fix what has exactly one fix, say what changed, and return the project after that."""
    from dag_factory.fixes.fix import fix_problems

    fixed = fix_problems(root, found, selected)
    for change in fixed.fixes:
        show(report.fixed(change))
    for one in fixed.not_fixed:
        show(report.not_fixed(one))
    number, files = len(fixed.fixes), len({change.file for change in fixed.fixes})
    if number:
        noun = "problem" if number == 1 else "problems"
        terminal.note(f"Fixed {number:,} {noun} in {files:,} {'file' if files == 1 else 'files'}.")
    else:
        terminal.note("Nothing was fixed." if fixed.not_fixed else "Nothing to fix.")
    return fixed.survey


def _below(found: Survey, root: Path, paths: Sequence[Path]) -> Survey:
    """Return what was found in these files, and below these folders."""
    configs = root / "configs"
    for path in paths:
        if not path.is_relative_to(configs) and not configs.is_relative_to(path):
            raise CouldNotRun(f"{path} is outside {configs}")

    def is_below(file: str) -> bool:
        return any((root / file).is_relative_to(path) for path in paths)

    problems = tuple(problem for problem in found.problems if is_below(problem.file))
    return Survey(found.environments, tuple(file for file in found.pipelines if is_below(file)), problems)


def _resolve(path: Path) -> Path:
    """Return the path without `..` and with links to folders followed; a linked file keeps its own name."""
    if not os.path.lexists(path):
        raise CouldNotRun(f"{path} does not exist")
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name
