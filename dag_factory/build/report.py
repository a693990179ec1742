"""Report the problems of all pipelines as one row in Airflow's Import Errors.

Airflow shows an import error of a file as the exception that the file raised, and marks every DAG of that file as
broken. So a file that contains no DAG raises the report: ``dags/import_errors.py``. Everybody who can view Airflow
can read it: it contains positions and messages, but no line of any file.
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

MAX_DAGS = 50  # that the first paragraph lists


class BrokenPipelines(Exception):
    """Some pipelines cannot run because their files have errors; all others run."""


# Airflow prints the exception as Python does. Without a module before its name the row reads as a sentence.
BrokenPipelines.__module__ = "builtins"


def check(loader_folder: Path) -> BrokenPipelines | None:
    """Return the report to raise, or None if there are no problems. ``loader_folder`` is the loader file's folder.

    A worker that runs one task needs no report and gets None.
    """
    if get_parsing_context().dag_id is not None:
        return None
    try:
        project = find_project(loader_folder)
    except ProjectError as error:
        return BrokenPipelines(problem_text(error.problems, f"No pipeline was loaded. {error}"))
    if project.cache().is_usable:
        return _report_from_records(project)
    return _report_without_cache(project, loader_folder.name)


def _report_from_records(project: Project) -> BrokenPipelines | None:
    """Use what the loaders recorded, so that few pipelines are built a second time."""
    look = project.inspect(loader_deadline.compile_seconds())
    failed = build_failures.find_failures(look, loader_deadline.work_limit() // 4)
    records = look.cache.records.all()
    lost = {dag_id for one in records for dag_id in one.lost}
    last_good, missing = look.running_last_good(failed)
    rows = [row for one in records for row in one.rows]
    running = [one.id for one in last_good if one.id not in lost and not one.stopped]
    stopped = [_stopped(one) for one in last_good if one.stopped]
    problems = [*errors(look.problems), *failed.values(), *stopped, *rows, *_unwritable(look.cache.write_error())]
    return _report(problems, running, [*missing, *lost], [one.id for one in last_good if one.stopped])


def _stopped(pipeline: Pipeline) -> Problem:
    """Return one problem for a DAG that is stopped: the first rule that it breaks, and how many more."""
    first, more = pipeline.stopped[0], len(pipeline.stopped) - 1
    message = f"`{pipeline.id}` is stopped because its last good version breaks a current rule: {first.message}"
    return msgspec.structs.replace(first, message=message + (f", and {more} more" if more else ""))


def _report_without_cache(project: Project, folder: str) -> BrokenPipelines | None:
    """Build everything again: without a cache there is no record of what the loader built."""
    current = project.begin_pass(seconds=loader_deadline.compile_seconds(), work=loader_deadline.work_limit())
    began = time.monotonic()
    dags, failed = build_dags(current.compiled.pipelines)
    warnings = loader_deadline.pass_warnings(folder, time.monotonic() - began, len(dags), current.compiled)
    warnings += _unwritable(current.files.cache.write_error())
    built = {one.id for one in current.compiled.pipelines if one.id not in failed}
    broken = [result.id for one in current.files.results for result in one.results if result.problems]
    problems = [*errors(current.compiled.problems), *failed.values(), *warnings]
    return _report(problems, [], [dag_id for dag_id in broken if dag_id not in built])


def _unwritable(reason: str) -> list[Problem]:
    if not reason:
        return []
    message = (
        f"the cache cannot be written: {reason}; a pipeline that breaks from now on runs an older version, or has no "
        "DAG if the cache has none"
    )
    hint = "free disk space, or set `DAG_FACTORY_CACHE` to a folder that only Airflow's user can write to"
    return [Problem("DAG_FACTORY_CACHE", 0, 0, "cache-unwritable", message, hint=hint, severity="warning")]


def _report(
    problems: Sequence[Problem], running: Sequence[str], missing: Sequence[str], stopped: Sequence[str] = ()
) -> BrokenPipelines | None:
    if not problems:
        return None
    return BrokenPipelines(problem_text(problems, _head(errors(problems), running, missing, stopped)))


def _head(problems: Sequence[Problem], running: Sequence[str], missing: Sequence[str], stopped: Sequence[str]) -> str:
    """Say what happens to the DAGs of the broken files, and to all others."""
    files = len({problem.file for problem in problems})
    if not files:
        return "Every pipeline runs."
    parts = [f"{'1 file has' if files == 1 else f'{files} files have'} errors; all other pipelines run."]
    if running:
        parts.append(f"Running their last good version: {_list_ids(running)}.")
    if stopped:
        parts.append(f"Stopped because they break current rules: {_list_ids(stopped)}.")
    if missing:
        parts.append(f"Without a DAG: {_list_ids(missing)}.")
    return " ".join(parts)


def _list_ids(ids: Sequence[str]) -> str:
    ids = sorted(set(ids))
    return ", ".join(ids[:MAX_DAGS]) + (f" and {len(ids) - MAX_DAGS:,} more" if len(ids) > MAX_DAGS else "")
