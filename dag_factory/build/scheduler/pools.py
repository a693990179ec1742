"""Create Airflow's pools from ``flavors.yaml``. A task whose pool does not exist waits forever, without a message."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from dag_factory.build.scheduler.find_loader import find_loader_folder

log = logging.getLogger(__name__)

POOL_NOTE = "From configs/platform/flavors.yaml"


def sync_pools() -> None:
    """Write the project's pools, for the environment of this Airflow, to Airflow's database."""
    from dag_factory.build.project.locate_project import find_project
    from dag_factory.config.project.open_project import ProjectError

    try:
        project = find_project(find_loader_folder())
    except ProjectError as error:
        log.warning("dagwright: no pools were created: %s", error)
        return
    write_pools(project.summary().pools)


def write_pools(pools: Mapping[str, int]) -> None:
    """Create missing pools and resize existing ones. Pools that are not in ``pools`` stay as they are."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        existing = {pool.pool: pool for pool in session.scalars(select(Pool).where(Pool.pool.in_(pools)))}
        for name, slots in pools.items():
            pool = existing.get(name)
            if pool is None:
                # The pod of a deferred job is running, possibly on a GPU, so the job occupies its slots.
                session.add(Pool(pool=name, slots=slots, description=POOL_NOTE, include_deferred=True))
                log.info("dagwright: created the pool %r with %d slots", name, slots)
            elif pool.slots != slots:
                log.info("dagwright: resized the pool %r from %d to %d slots", name, pool.slots, slots)
                pool.slots = slots
