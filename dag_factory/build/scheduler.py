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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dag_factory import settings
from dag_factory.build import pool_watch

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
_REHEARSALS = 5  # files tried until one is sound
_WATCHES: list[pool_watch.Watch] = []  # at most one, however often Airflow loads the plugin
POOL_NOTE = "From configs/platform/flavors.yaml"


def prepare() -> None:
    """All of it, and no step keeps a scheduler from starting when it fails."""
    for step in (warm, watch_pools, sync_pools):
        try:
            step()
        except Exception as error:
            log.warning("dagwright: %s failed in the scheduler: %s", step.__name__, error, exc_info=True)


def warm() -> None:
    """Import what tasks need and build one DAG as they do, where they are forked from here."""
    from airflow.configuration import conf

    forks = multiprocessing.get_start_method() == "fork"
    if not forks or "LocalExecutor" not in conf.get("core", "executor", fallback=""):
        return
    for name in _TASK_IMPORTS:
        importlib.import_module(name)

    from dag_factory.build.loader import build
    from dag_factory.build.opening import open_beside
    from dag_factory.config.project.project import ProjectError

    try:
        project = open_beside(_loader_folder())
    except ProjectError:
        return  # the pools' step says so
    folder = project.home / "configs" / "pipelines"
    for path in itertools.islice(folder.rglob("*.yaml"), _REHEARSALS):
        dag_id = ".".join(path.relative_to(folder).with_suffix("").parts)
        dags, _ = build(project.compile_one(dag_id).pipelines, pages=False)
        if dags:
            return


def sync_pools() -> None:
    """Put the project's pools into Airflow's database, for the environment of this instance."""
    from dag_factory.build.opening import open_beside
    from dag_factory.config.project.project import ProjectError

    try:
        project = open_beside(_loader_folder())
    except ProjectError as error:
        log.warning("dagwright: no pools were made: %s", error)
        return
    write_pools(project.summary().pools)


def watch_pools() -> None:
    """Write the pools again whenever the tables change; begins before they are first written."""
    if not _WATCHES:
        _WATCHES.append(pool_watch.Watch(_loader_folder, pool_watch.write_in_process))
        pool_watch.start(_WATCHES[0])


def write_pools(pools: Mapping[str, int]) -> None:
    """Create the pools that are missing, resize those of another size; leave all others alone."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        known = {pool.pool: pool for pool in session.scalars(select(Pool).where(Pool.pool.in_(pools)))}
        for name, slots in pools.items():
            pool = known.get(name)
            if pool is None:
                # A deferred job's pod runs, on a card perhaps, so it holds its slots.
                session.add(Pool(pool=name, slots=slots, description=POOL_NOTE, include_deferred=True))
                log.info("dagwright: made the pool %r with %d slots", name, slots)
            elif pool.slots != slots:
                log.info("dagwright: resized the pool %r from %d to %d slots", name, pool.slots, slots)
                pool.slots = slots


def _loader_folder() -> Path:
    """Where the loader lies: in the first of Airflow's bundles that has a project, if any has.

    Of a bundle that has versions that is the newest one that this machine knows.
    """
    from airflow.configuration import conf
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    folder = Path(conf.get_mandatory_value("core", "dags_folder"))
    if settings.home() is None and not (folder.parent / "configs").is_dir():
        manager: Any = DagBundlesManager()  # type: ignore[no-untyped-call]  # Airflow's own
        for bundle in manager.get_all_dag_bundles():
            if (bundle.path.parent / "configs").is_dir():
                return Path(bundle.path)
    return folder
