"""What is done in the scheduler's process before its first task: imports, a rehearsal, pools and their watch.

Under the LocalExecutor tasks are forked from the scheduler. What it has imported and made, each of them has;
what it has not, each makes anew: half a second of imports at every start of a task, and what the compiler
makes when it is first used. And a task whose pool is not in Airflow's database waits for ever, with no word of
it anywhere; so the table in ``flavors.yaml`` is put there.
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

# What a task's process imports from its start to its pod's, beside what a scheduler has imported anyway.
_TASK_IMPORTS = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.cncf.kubernetes.operators.pod",
    "airflow.sdk.execution_time.task_runner",
    "dag_factory.build.loader",
    "dag_factory.config.pipelines.compile_file",
    "jsonschema",
)
_WARM_UP_FILES = 5  # files tried until one is sound
_WATCHES: list[pool_watch.PlatformWatch] = []  # at most one, however often Airflow loads the plugin


def prepare() -> None:
    """All of it, and no step keeps a scheduler from starting when it fails."""
    for step in (warm_up, watch_pools, sync_pools):
        try:
            step()
        except Exception as error:
            log.warning("dagwright: %s failed in the scheduler: %s", step.__name__, error, exc_info=True)


def warm_up() -> None:
    """Import what tasks need and build one DAG as they do, where they are forked from here."""
    from airflow.configuration import conf

    forks = multiprocessing.get_start_method() == "fork"
    if not forks or "LocalExecutor" not in conf.get("core", "executor", fallback=""):
        return
    for name in _TASK_IMPORTS:
        importlib.import_module(name)

    from dag_factory.build.project.build_dags import build_dags
    from dag_factory.build.project.locate_project import find_project
    from dag_factory.config.project.open_project import ProjectError

    try:
        project = find_project(find_loader_folder())
    except ProjectError:
        return  # the pools' step says so
    folder = project.home / "configs" / "pipelines"
    for path in itertools.islice(folder.rglob("*.yaml"), _WARM_UP_FILES):
        dag_id = ".".join(path.relative_to(folder).with_suffix("").parts)
        dags, _ = build_dags(project.compile_one(dag_id).pipelines, pages=False)
        if dags:
            return


def watch_pools() -> None:
    """Write the pools again whenever the tables change; begins before they are first written."""
    if not _WATCHES:
        _WATCHES.append(pool_watch.PlatformWatch(find_loader_folder, pool_watch.write_in_process))
        pool_watch.start(_WATCHES[0])
