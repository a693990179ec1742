"""Which DAGs a loader builds if all of them together exceed its work budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem

OVER_BUDGET = (
    "divide the pipelines among several loaders, or raise Airflow's `dag_file_processor_timeout`, which raises the "
    "limit: see docs/scale.md"
)


class Candidate(NamedTuple):
    """A DAG, the work of its current version, and the work of its previous version.

    Without a record of a previous version, ``before`` is None: the DAG is new, or the cache is lost.
    """

    id: DagId
    work: int
    before: int | None

    @property
    def growth(self) -> int:
        """The work that it adds to the previous pass."""
        return self.work - (self.before or 0)


def choose_left_out(candidates: Iterable[Candidate], budget: int) -> list[Candidate]:
    """Choose the DAGs to leave out so that the rest fits ``budget``: largest growth first, then by id.

    A DAG that has not grown since the previous pass stays, whatever the sum.
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


def over_budget_problem(file: str, one: Candidate, budget: int) -> Problem:
    """The problem of a DAG that is left out."""
    added = f"{one.work:,} units of work" if one.before is None else f"{one.growth:,} units more than its last version"
    state = "is not built" if one.before is None else "keeps running its last version"
    message = f"`{one.id}` {state}: it adds {added}, and the loader exceeds its limit of {budget:,} units of work"
    return Problem(file, 0, 0, "over-budget", message, hint=OVER_BUDGET)


def waiting_problem(file: str, dag_id: DagId) -> Problem:
    """The same problem in a worker, which does not know the limit."""
    message = f"`{dag_id}` keeps running its last version: the new version exceeds the loader's limit of work"
    return Problem(file, 0, 0, "over-budget", message, hint=OVER_BUDGET)
