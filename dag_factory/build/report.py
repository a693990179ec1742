"""What is wrong with the pipelines, as the one row in Airflow's Import Errors.

Airflow shows an import error of a file as the exception that the file raised, and marks every DAG of that
file. So the report is raised by a file that holds no DAG, ``dags/import_errors.py``. Every viewer of
Airflow reads it: it names places and reasons, and quotes no line of any file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from airflow.sdk import get_parsing_context

from dag_factory import settings
from dag_factory.build import failures, times
from dag_factory.build.opening import open_beside
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project import ProjectError

SHOWN = 200  # problems in one report; the row is stored in Airflow's database and sent to browsers
LONGEST = 60_000  # bytes of it, of which MySQL takes 65,535


class BrokenPipelines(Exception):
    """Pipelines that do not run because of what is written in their files; all others do."""


# Airflow prints the exception as Python would. Without a module before its name the row reads as a sentence.
BrokenPipelines.__module__ = "builtins"


def check(loader_folder: Path) -> BrokenPipelines | None:
    """The report to raise, or None when all is well; ``loader_folder`` is where the loader lies.

    A worker that runs one task needs no report, and has none.
    """
    if get_parsing_context().dag_id is not None:
        return None
    try:
        project = open_beside(loader_folder)
    except ProjectError as error:
        return BrokenPipelines(text(error.problems, f"No pipeline was loaded. {error}"))
    found = (*errors(project.problems(times.to_compile())), *failures.found(project))
    if not found:
        return None
    return BrokenPipelines(text(found, _head(len({problem.file for problem in errors(found)}))))


def _head(files: int) -> str:
    """What holds for all pipelines where so many files are wrong."""
    if not files:
        return "Every pipeline runs."
    noun = "1 file is" if files == 1 else f"{files} files are"
    held = " What had a DAG runs on as it last was." if settings.keeps_last_good() else ""
    return f"{noun} wrong; every other pipeline runs.{held}"


def text(problems: Sequence[Problem], head: str) -> str:
    """The problems for a person to read, one after the other under ``head``."""
    parts, left = [head], LONGEST
    for problem in sorted(problems)[:SHOWN]:
        entry = _entry(problem)
        left -= len(entry.encode()) + 2
        if left < 0:
            break
        parts.append(entry)
    if len(problems) >= len(parts):
        parts.append(f"... and {len(problems) - len(parts) + 1} more: `dagf check` shows all of them.")
    return "\n\n".join(parts) + "\n"


def _entry(problem: Problem) -> str:
    lines = [f"{problem.place}: {problem.code}: {problem.message}"]
    if problem.path:
        lines.append(f"    at {problem.path}")
    if problem.hint:
        lines.append(f"    help: {problem.hint}")
    return "\n".join(lines)
