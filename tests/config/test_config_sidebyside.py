"""How much jobs hold at once: the largest sum over jobs that do not wait for each other."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from dag_factory.config.workload.parallelism import most_at_once


def ancestors(name: str, waits_for: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    for job in waits_for.get(name, ()):
        found |= {job} | ancestors(job, waits_for)
    return found


def by_trying(weights: dict[str, int], waits_for: dict[str, tuple[str, ...]]) -> int:
    """Every set of jobs, tried."""
    before = {name: ancestors(name, waits_for) for name in weights}
    best = 0
    for count in range(len(weights) + 1):
        for some in combinations(weights, count):
            if all(one not in before[other] and other not in before[one] for one, other in combinations(some, 2)):
                best = max(best, sum(weights[name] for name in some))
    return best


@pytest.mark.parametrize("seed", range(60))
def test_is_what_trying_every_set_finds(seed: int) -> None:
    dice = random.Random(seed)
    names = [f"job{number}" for number in range(dice.randint(1, 8))]
    weights = {name: dice.randint(0, 4) for name in names}
    waits_for = {
        name: tuple(other for other in names[:index] if dice.random() < 0.3) for index, name in enumerate(names)
    }
    assert most_at_once(weights, waits_for) == by_trying(weights, waits_for)


def test_jobs_one_after_another_hold_the_most_of_one() -> None:
    names = [f"job{number}" for number in range(150)]
    chain = {name: (names[index - 1],) for index, name in enumerate(names) if index}
    assert most_at_once(dict.fromkeys(names, 8), chain) == 8


def test_a_graph_that_is_too_large_counts_every_job() -> None:
    names = [f"job{number}" for number in range(400)]
    chain = {name: (names[index - 1],) for index, name in enumerate(names) if index}
    assert most_at_once(dict.fromkeys(names, 1), chain) == 400
