"""From a project's files to Airflow's DAGs: what ``dags/loader.py`` calls.

What is wrong with one pipeline costs that pipeline. The DAG processor's row about it is raised by another
file (``report.py``); a worker, which has no such row, gets the words into its task's log.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from dag_factory.build import failures, times
from dag_factory.build.dag import build_dag
from dag_factory.build.opening import open_beside
from dag_factory.build.report import text
from dag_factory.config import model
from dag_factory.config.budget import OutOfTime, within
from dag_factory.config.problems import Problem, errors, printable
from dag_factory.config.project import ProjectError, too_slow
from dag_factory.config.share import WHOLE, Share
from dag_factory.settings import BOUNDS

__all__ = ["Share", "build", "load"]

log = logging.getLogger(__name__)


def load(loader_folder: Path, share: Share = WHOLE) -> dict[str, DAG]:
    """The DAGs by id; ``loader_folder`` is where the loader lies, beside or in the project's home.

    Several loaders may divide the files among them, each with a ``share``. In a worker, which runs a task
    of one DAG, that one's file alone is read, and the task alone constructed with its neighbours.
    """
    asked = get_parsing_context()
    with _uncollected():
        return _load(loader_folder, share, asked.dag_id, asked.task_id)


def _load(loader_folder: Path, share: Share, wanted: str | None, to_run: str | None) -> dict[str, DAG]:
    try:
        project = open_beside(loader_folder)
    except ProjectError as error:
        # To raise here would mark every DAG at once, for a checkout that is half done perhaps.
        log.error("dagwright: no pipeline was loaded: %s", error)
        return {}
    compiled = project.compile_all(share, times.to_compile()) if wanted is None else project.compile_one(wanted)
    began = time.monotonic()
    dags, problems = build(compiled.pipelines, wanted is None, to_run)
    if wanted is None:
        warnings = times.warnings(loader_folder.name, time.monotonic() - began, len(dags), compiled.postponed)
        failures.leave(project, [*problems, *warnings], share.name)
    else:
        problems.extend(errors(compiled.problems))
    if wanted is not None and not dags and not problems:
        log.error("dagwright: no file claims the DAG %s any more: it was deleted, renamed or left out here.", wanted)
    if problems:
        held = any(one.held for one in compiled.pipelines)
        head = "The DAG runs on as it last was, because of:" if held else "There is no DAG for what is wrong here."
        log.error("dagwright: %s", text(problems, head))
    return dags


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: nothing made here is garbage, and to look for some takes a tenth longer."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def build(
    pipelines: Iterable[model.Pipeline], pages: bool = True, to_run: str | None = None
) -> tuple[dict[str, DAG], list[Problem]]:
    """A DAG for each pipeline that can be built, and a problem for each that cannot.

    ``pages`` and ``to_run`` as for ``build_dag``.
    """
    dags: dict[str, DAG] = {}
    problems: list[Problem] = []
    for pipeline in pipelines:
        try:
            dags[pipeline.id] = within(BOUNDS.file_seconds, partial(build_dag, pipeline, pages, to_run))
        except OutOfTime:
            problems.append(too_slow(pipeline.file, "built"))
        except Exception as error:  # whatever Airflow or the client raised, the others are built
            problems.append(_build_failed(pipeline, error))
    return dags, problems


def _build_failed(pipeline: model.Pipeline, error: Exception) -> Problem:
    return Problem(
        file=pipeline.file,
        line=0,
        column=0,
        code="build-failed",
        message=printable(f"Airflow does not take this pipeline: {type(error).__name__}: {error}"),
        hint="The file passed every check, so the check is at fault too: please report it.",
    )
