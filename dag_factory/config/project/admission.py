"""Which DAGs one loader builds, where all of them together are more work than it may do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dag_factory.config.problems import Problem

OVER_BUDGET = (
    "divide the pipelines among several loaders, or raise Airflow's `dag_file_processor_timeout`, which raises the "
    "limit: see docs/scale.md"
)


class Candidate(NamedTuple):
    """A DAG, the work of its present version, and the work of its last one; None where it is new."""

    id: str
    work: int
    before: int | None

    @property
    def growth(self) -> int:
        """How much work it adds to the last pass."""
        return self.work - (self.before or 0)


def held_out(candidates: Iterable[Candidate], budget: int) -> list[Candidate]:
    """Those to leave out so that the rest is within ``budget``: newcomers and growth, the heaviest first, then by id.

    A DAG that has not grown since the last pass stays, whatever the sum.
    """
    candidates = list(candidates)
    total = sum(one.work for one in candidates)
    if total <= budget:
        return []
    left_out = []
    for one in sorted(candidates, key=lambda one: (-one.growth, one.id)):
        if total <= budget or one.growth <= 0:
            break
        total -= one.growth
        left_out.append(one)
    return left_out


def over_budget(file: str, one: Candidate, budget: int) -> Problem:
    """The problem of a DAG that is left out."""
    added = f"{one.work:,} units of work" if one.before is None else f"{one.growth:,} units more than its last version"
    state = "has no DAG yet" if one.before is None else "runs on as it last was"
    message = f"`{one.id}` {state}: the loader exceeds its limit of {budget:,} units of work, and this adds {added}"
    return Problem(file, 0, 0, "over-budget", message, hint=OVER_BUDGET)


def waits(file: str, dag_id: str) -> Problem:
    """The same for a worker, which knows of no limit."""
    message = f"`{dag_id}` runs on as it last was: its new version is over the loader's limit of work"
    return Problem(file, 0, 0, "over-budget", message, hint=OVER_BUDGET)
