"""From a project's files to Airflow's DAGs: what ``dags/loader.py`` calls.

What is wrong with one pipeline costs that pipeline. The DAG processor's row about it is raised by another
file (``report.py``); a worker, which has no such row, gets the words into its task's log.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from dag_factory.build.project import loader_deadline
from dag_factory.build.project.build_dags import build_dags
from dag_factory.build.project.build_failures import builder_digest
from dag_factory.build.project.locate_project import find_project
from dag_factory.build.project.problem_text import problem_text
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.loader_pass import Pass
from dag_factory.config.project.loader_records import Record
from dag_factory.config.project.open_project import ProjectError
from dag_factory.config.project.project import Project
from dag_factory.config.project.shards import WHOLE, Shard

__all__ = ["Shard", "Share", "build", "load"]

Share = Shard
"""The name of ``Shard`` in version 0.1.0, for loader files that import it."""

build = build_dags
"""The name of ``build_dags`` in version 0.1.0."""

log = logging.getLogger(__name__)


def load(loader_folder: Path, shard: Shard = WHOLE) -> dict[str, DAG]:
    """The DAGs by id; ``loader_folder`` is where the loader lies, beside or in the project's home.

    Several loaders may divide the files among them, each with a ``shard``. In a worker, which runs a task
    of one DAG, that one's file alone is read, and the task alone constructed with its neighbours.
    """
    asked = get_parsing_context()
    with _uncollected():
        return _load(loader_folder, shard, asked.dag_id, asked.task_id)


def _load(loader_folder: Path, shard: Shard, wanted: str | None, to_run: str | None) -> dict[str, DAG]:
    try:
        project = find_project(loader_folder)
    except ProjectError as error:
        # To raise here would mark every DAG at once, for a checkout that is half done perhaps.
        log.error("dagwright: no pipeline was loaded: %s", error)
        return {}
    return _all(project, shard, loader_folder.name) if wanted is None else _one(project, wanted, to_run)


def _all(project: Project, shard: Shard, folder: str) -> dict[str, DAG]:
    """The DAGs of a pass of the DAG processor. Where one cannot be built, the version before it is."""
    current = project.begin_pass(shard, loader_deadline.compile_seconds(), loader_deadline.work_limit())
    began = time.monotonic()
    dags, failed = build_dags(current.compiled.pipelines)
    instead, _ = build_dags(current.last_good_versions(failed))
    dags |= instead
    rows = loader_deadline.pass_warnings(folder, time.monotonic() - began, len(dags), current.compiled)
    current.record(failed)
    _record(current, shard, failed, [dag_id for dag_id in failed if dag_id not in dags], rows)
    _log([*failed.values(), *rows], bool(instead))
    return dags


def _record(
    current: Pass, shard: Shard, failed: dict[str, Problem], lost: Sequence[str], rows: Sequence[Problem]
) -> None:
    """Tell the report what was built."""
    records, names = current.files.cache.records, [Shard(index, shard.count).name for index in range(shard.count)]
    by_name = current.failures_by_key(failed)
    records.put(shard.name, Record(builder_digest(), current.built_keys(failed), by_name, tuple(lost), tuple(rows)))
    records.keep_only(names)


def _one(project: Project, wanted: str, to_run: str | None) -> dict[str, DAG]:
    """The DAG of a task to run; the version before it where it cannot be built, as in the DAG processor."""
    compiled = project.compile_one(wanted)
    dags, failed = build_dags(compiled.pipelines, False, to_run)
    instead = project.last_good_version(wanted, failed[wanted]) if wanted in failed else None
    dags |= build_dags([instead] if instead else [], False, to_run)[0]
    problems = [*failed.values(), *errors(compiled.problems)]
    if not dags and not problems:
        log.error("dagwright: no file claims the DAG %s any more: it was deleted, renamed or left out here.", wanted)
    _log(problems, bool(instead) or any(one.held for one in compiled.pipelines))
    return dags


def _log(problems: Sequence[Problem], held: bool) -> None:
    if not errors(problems):
        head = "Every DAG was built."
    else:
        head = "The DAG runs on as it last was, because of:" if held else "There is no DAG for what is wrong here."
    if problems:
        log.error("dagwright: %s", problem_text(problems, head))


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
