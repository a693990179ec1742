"""Pools whose number of slots changes. No DAG changes, but jobs wait shorter or longer."""

from __future__ import annotations

from collections.abc import Mapping

from dag_factory.config.platform.tables import Tables
from dag_factory.plan.model import PoolChange

_Slots = tuple[int | None, int | None]


def find_pools(tables: Mapping[str, tuple[Tables | None, Tables | None]]) -> tuple[PoolChange, ...]:
    """The pools that differ, each change once with all environments that have it.

    ``tables`` are those of each environment before and after. An environment that is new, removed, or has errors in its
    tables is left out.
    """
    found: dict[tuple[str, _Slots], list[str]] = {}
    for environment, (before, after) in tables.items():
        if before is None or after is None or before.broken or after.broken:
            continue
        for pool in {**before.pools, **after.pools}:
            slots = before.pools.get(pool), after.pools.get(pool)
            if slots[0] != slots[1]:
                found.setdefault((pool, slots), []).append(environment)
    return tuple(PoolChange(pool, *slots, tuple(names)) for (pool, slots), names in found.items())
