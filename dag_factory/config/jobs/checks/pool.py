"""The Airflow pool of a job: its name and its slots."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT

from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Scalar, whole_number


def check(tree: MapNode, pools: MappingT[str, int], path: KeyPath) -> Iterator[Problem]:
    """A problem if the pool is unknown or has too few slots; ``pools`` holds the slots of each pool."""
    pool, slots = tree.get("pool"), tree.get("pool_slots")
    if not isinstance(pool, Scalar) or pool.value is None or pool.dynamic:
        return
    known = (*pools, "default_pool")
    if pool.text not in known:
        message, hint = f"unknown pool `{pool.text}`", did_you_mean(pool.text, known)
        yield Problem.at(pool.position, (*path, "pool"), "unknown-pool", message, hint)
        return
    size, wanted = pools.get(pool.text), whole_number(slots)
    if size and slots and wanted is not None and wanted > size:
        message = f"the pool `{pool.text}` has {size} slots; a job that needs {wanted} never starts"
        yield Problem.at(slots.position, (*path, "pool_slots"), "pool-too-small", message, f"use at most {size}")
