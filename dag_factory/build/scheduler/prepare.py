"""Prepare the scheduler's process before its first task: imports, a first build, pools and the watch of their table.

Under the LocalExecutor the scheduler forks its tasks. A task inherits what the scheduler has imported and computed.
It would otherwise spend half a second on imports at every start, and recompute what the compiler sets up once.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import multiprocessing

from dag_factory.build.scheduler import pool_watch
from dag_factory.build.scheduler.find_loader import find_loader_folder
from dag_factory.build.scheduler.pools import sync_pools

log = logging.getLogger(__name__)

# What the process of a task imports before its pod starts and the scheduler does not import anyway.
_TASK_IMPORTS = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.cncf.kubernetes.operators.pod",
    "airflow.sdk.execution_time.task_runner",
    "dag_factory.build.loader",
    "dag_factory.config.pipelines.compile_file",
    "jsonschema",
)
_WARM_UP_FILES = 5  # to try, until one has no errors
_WATCHES: list[pool_watch.PlatformWatch] = []  # at most one, even if Airflow loads the plugin several times


def prepare() -> None:
    """Run each step. If a step fails, the scheduler still starts."""
    for step in (warm_up, watch_pools, sync_pools):
        try:
            step()
        except Exception as error:
            log.warning("dagwright: %s failed in the scheduler: %s", step.__name__, error, exc_info=True)


def warm_up() -> None:
    """Import what tasks need and build one DAG as they do, if tasks are forked from this process."""
    from airflow.configuration import conf

    forks = multiprocessing.get_start_method() == "fork"
    if not forks or "LocalExecutor" not in conf.get("core", "executor", fallback=""):
        return
    for name in _TASK_IMPORTS:
        importlib.import_module(name)

    from dag_factory.build.project.build_dags import build_dags
    from dag_factory.build.project.locate_project import find_project
    from dag_factory.config.ids import DagId
    from dag_factory.config.project.open_project import ProjectError

    try:
        project = find_project(find_loader_folder())
    except ProjectError:
        return  # `sync_pools` logs it
    folder = project.home / "configs" / "pipelines"
    for path in itertools.islice(folder.rglob("*.yaml"), _WARM_UP_FILES):
        dag_id = DagId(".".join(path.relative_to(folder).with_suffix("").parts))
        dags, _ = build_dags(project.compile_one(dag_id).pipelines, with_docs=False)
        if dags:
            return


def watch_pools() -> None:
    """Write the pools again whenever the platform's files change. The watch starts before the first write."""
    if not _WATCHES:
        _WATCHES.append(pool_watch.PlatformWatch(find_loader_folder, pool_watch.write_in_process))
        pool_watch.start(_WATCHES[0])
