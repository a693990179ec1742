"""Build Airflow's DAGs from a project's files; ``dags/loader.py`` calls ``load``.

A mistake in one pipeline affects only that pipeline. In the DAG processor another file reports it (``report.py``).
A worker has no such report, so there the problems go to the log of the task.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from dag_factory.build.alerts.kept_alerts import DAG_ID as KEPT_ALERTS
from dag_factory.build.alerts.kept_alerts import kept_alerts_dag
from dag_factory.build.project import loader_deadline
from dag_factory.build.project.activity import task_activity
from dag_factory.build.project.build_dags import build_dags
from dag_factory.build.project.build_failures import builder_digest
from dag_factory.build.project.locate_project import find_project
from dag_factory.build.project.problem_text import problem_text
from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.loader_pass import Pass
from dag_factory.config.project.open_project import ProjectError
from dag_factory.config.project.project import Project
from dag_factory.config.project.shards import WHOLE, Shard
from dag_factory.config.storage.loader_records import Record

__all__ = ["Shard", "Share", "build", "load"]

Share = Shard
"""The name of ``Shard`` in version 0.1.0, for loader files that import it."""

build = build_dags
"""The name of ``build_dags`` in version 0.1.0, for files that import it."""

log = logging.getLogger(__name__)


def load(loader_folder: Path, shard: Shard = WHOLE) -> dict[DagId, DAG]:
    """Return the DAGs by their ids. ``loader_folder`` is the folder of the loader file, inside the project.

    Several loaders can divide the files among them, each with its own ``shard``. A worker runs one task of one DAG:
    there only the file of that DAG is read, and only that task and its neighbors are built.
    """
    context = get_parsing_context()
    if context.dag_id == KEPT_ALERTS:
        return {KEPT_ALERTS: kept_alerts_dag()}
    with _without_garbage_collection():
        try:
            project = find_project(loader_folder)
        except ProjectError as error:
            # An exception would mark every DAG as broken at once, perhaps only because a checkout is half done.
            log.error("dagwright: no pipeline was loaded: %s", error)
            return {}
        if context.dag_id is None:
            return _load_all(project, shard, loader_folder.name)
        return _load_one(project, DagId(context.dag_id), context.task_id)


def _load_all(project: Project, shard: Shard, folder: str) -> dict[DagId, DAG]:
    """Build the DAGs for a pass of the DAG processor. If one cannot be built, build its last good version."""
    current = project.begin_pass(shard, loader_deadline.compile_seconds(), loader_deadline.work_limit(), task_activity)
    began = time.monotonic()
    dags, failed = build_dags(current.compiled.pipelines)
    last_good, _ = build_dags(current.last_good_versions(failed))
    dags |= last_good
    warnings = loader_deadline.pass_warnings(folder, time.monotonic() - began, len(dags), current.compiled)
    current.record(failed)
    _record(current, shard, failed, [dag_id for dag_id in failed if dag_id not in dags], warnings)
    _log([*failed.values(), *warnings], bool(last_good))
    if current.compiled.sends_alerts and shard.index == 0:
        dags[KEPT_ALERTS] = kept_alerts_dag()
    return dags


def _record(
    current: Pass, shard: Shard, failed: dict[DagId, Problem], lost: Sequence[DagId], warnings: Sequence[Problem]
) -> None:
    """Record for the report what this pass built."""
    records, names = current.files.cache.records, [Shard(index, shard.count).name for index in range(shard.count)]
    by_name = current.failures_by_key(failed)
    records.put(shard.name, Record(builder_digest(), current.built_keys(failed), by_name, tuple(lost), tuple(warnings)))
    records.keep_only(names)


def _load_one(project: Project, dag_id: DagId, task_id: str | None) -> dict[DagId, DAG]:
    """Build the DAG of the task to run, or its last good version if it cannot be built, as in the DAG processor."""
    compiled = project.compile_one(dag_id)
    dags, failed = build_dags(compiled.pipelines, with_docs=False, only_task=task_id)
    last_good = project.last_good_version(dag_id, failed[dag_id]) if dag_id in failed else None
    dags |= build_dags([last_good] if last_good else [], with_docs=False, only_task=task_id)[0]
    problems = [*failed.values(), *errors(compiled.problems)]
    if not dags and not problems:
        log.error(
            "dagwright: no file defines the DAG %s: its file was deleted, renamed or excluded in this environment",
            dag_id,
        )
    _log(problems, bool(last_good) or any(one.current_errors for one in compiled.pipelines))
    return dags


def _log(problems: Sequence[Problem], runs_last_good: bool) -> None:
    if not errors(problems):
        head = "Every DAG was built."
    elif runs_last_good:
        head = "The DAG runs its last good version because of these errors:"
    else:
        head = "No DAG was built because of these errors:"
    if problems:
        log.error("dagwright: %s", problem_text(problems, head))


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Turn the garbage collector off: a pass creates no garbage, and each search for it adds a tenth to the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
