"""What is wrong with the pipelines, as the one row in Airflow's Import Errors.

Airflow shows an import error of a file as the exception that the file raised, and marks every DAG of that
file. So the report is raised by a file that holds no DAG, ``dags/import_errors.py``. Every viewer of
Airflow reads it: it names places and reasons, and quotes no line of any file.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from airflow.sdk import get_parsing_context

from dag_factory.build.project import build_failures, loader_deadline
from dag_factory.build.project.build_dags import build_dags
from dag_factory.build.project.locate_project import find_project
from dag_factory.build.project.problem_text import problem_text
from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.open_project import ProjectError
from dag_factory.config.project.project import Project

NAMED = 50  # DAGs in its first paragraph


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
        project = find_project(loader_folder)
    except ProjectError as error:
        return BrokenPipelines(problem_text(error.problems, f"No pipeline was loaded. {error}"))
    return _by_records(project) if project.cache().is_usable else _without_cache(project, loader_folder.name)


def _by_records(project: Project) -> BrokenPipelines | None:
    """The report, with what the loaders recorded, so that little is built a second time."""
    look = project.inspect(loader_deadline.compile_seconds())
    failed = build_failures.find_failures(look, loader_deadline.work_limit() // 4)
    records = look.cache.records.all()
    lost = {dag_id for one in records for dag_id in one.lost}
    held, missing = look.running_last_good(failed)
    rows = [row for one in records for row in one.rows]
    trouble = _unwritable(look.cache.write_error())
    running = [one.id for one in held if one.id not in lost and not one.stopped]
    stopped = [_stopped(one) for one in held if one.stopped]
    found = [*errors(look.problems), *failed.values(), *stopped, *rows, *trouble]
    return _report(found, running, [*missing, *lost], [one.id for one in held if one.stopped])


def _stopped(pipeline: Pipeline) -> Problem:
    """One problem for a DAG that is stopped: the first rule that it breaks, and how many more."""
    first, more = pipeline.stopped[0], len(pipeline.stopped) - 1
    message = f"`{pipeline.id}` is stopped: its last good version breaks a rule of today: {first.message}"
    return msgspec.structs.replace(first, message=message + (f", and {more} more" if more else ""))


def _without_cache(project: Project, folder: str) -> BrokenPipelines | None:
    """The report of a loader that keeps nothing: nobody knows what it built, so everything is built here too."""
    current = project.begin_pass(seconds=loader_deadline.compile_seconds(), work=loader_deadline.work_limit())
    began = time.monotonic()
    dags, failed = build_dags(current.compiled.pipelines)
    rows = loader_deadline.pass_warnings(folder, time.monotonic() - began, len(dags), current.compiled)
    rows += _unwritable(current.files.cache.write_error())
    known = {one.id for one in current.compiled.pipelines if one.id not in failed}
    missing = [result.id for one in current.files.results for result in one.results if result.problems]
    found = [*errors(current.compiled.problems), *failed.values(), *rows]
    return _report(found, [], [dag_id for dag_id in missing if dag_id not in known])


def _unwritable(trouble: str) -> list[Problem]:
    if not trouble:
        return []
    message = (
        f"nothing can be written to the cache: {trouble}; a pipeline that breaks now runs on as it was when the cache "
        "last worked, and has no DAG where that was never recorded"
    )
    hint = "free its disk, or set `DAG_FACTORY_CACHE` to a folder that only Airflow's user may write to"
    return [Problem("DAG_FACTORY_CACHE", 0, 0, "cache-unwritable", message, hint=hint, severity="warning")]


def _report(
    found: Sequence[Problem], running: Sequence[str], missing: Sequence[str], stopped: Sequence[str] = ()
) -> BrokenPipelines | None:
    return BrokenPipelines(problem_text(found, _head(errors(found), running, missing, stopped))) if found else None


def _head(found: Sequence[Problem], running: Sequence[str], missing: Sequence[str], stopped: Sequence[str]) -> str:
    """What becomes of the DAGs that have a problem, and of all others."""
    files = len({problem.file for problem in found})
    if not files:
        return "Every pipeline runs."
    parts = ["1 file is wrong" if files == 1 else f"{files} files are wrong"]
    parts[0] += "; every other pipeline runs."
    if running:
        parts.append(f"As they last were run on: {_named(running)}.")
    if stopped:
        parts.append(f"Stopped by a rule of today: {_named(stopped)}.")
    if missing:
        parts.append(f"Without a DAG: {_named(missing)}.")
    return " ".join(parts)


def _named(ids: Sequence[str]) -> str:
    ids = sorted(set(ids))
    return ", ".join(ids[:NAMED]) + (f" and {len(ids) - NAMED:,} more" if len(ids) > NAMED else "")
