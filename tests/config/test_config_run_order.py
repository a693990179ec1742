"""Which jobs have ended while another runs: held against random runs by Airflow's trigger rules."""

from __future__ import annotations

import random

import pytest

from dag_factory.config.model import Flavor, ForEach, Job
from dag_factory.config.workload.run_order import ended_before

_OVER = ("success", "failed", "skipped", "upstream_failed")
_RULES = ["all_success"] * 4 + [
    *("all_done", "all_done", "none_failed", "one_success", "one_failed", "one_done", "always", "all_failed"),
    "none_skipped",
]
Instance = tuple[str, int]


def job(name: str, *depends_on: str, rule: str = "all_success", group: str | None = None, mapped: bool = False) -> Job:
    each = ForEach(items=(1, 2)) if mapped else None
    flavor = Flavor(name="card", gpu_count=1)
    return Job(
        name=name, flavor=flavor, image="i", depends_on=depends_on, trigger_rule=rule, mapped_group=group, for_each=each
    )


def decided(rule: str, before: list[str | None]) -> str | None:
    """What becomes of an instance: it runs, is over without a run, or waits (None)."""
    done = all(state in _OVER for state in before)
    failed = [state for state in before if state in ("failed", "upstream_failed")]
    skipped, success = before.count("skipped"), before.count("success")
    if rule in ("all_success", "none_failed") and failed:
        return "upstream_failed"
    if (rule in ("all_success", "none_skipped") and skipped) or (rule == "all_failed" and (success or skipped)):
        return "skipped"
    if rule == "one_success":
        return "run" if success else "upstream_failed" if done else None
    if rule == "one_failed":
        return "run" if failed else "skipped" if done else None
    if rule == "one_done":
        return "run" if success or "failed" in before else "skipped" if done else None
    return "run" if rule == "always" or done else None


def together(jobs: list[Job], items: int, dice: random.Random) -> set[tuple[str, str]]:
    """Pairs of jobs of which the second began, or went on, while the first was not over, in one random run."""
    known = {one.name: one for one in jobs}
    instances = [(one.name, index) for one in jobs for index in range(items if one.mapped_group or one.for_each else 1)]
    states: dict[Instance, str | None] = dict.fromkeys(instances)
    pairs: set[tuple[str, str]] = set()
    while True:
        moves: list[tuple[Instance, str]] = []
        for name, index in instances:
            if states[name, index] == "run":
                moves.append(((name, index), dice.choice(["success", "success", "failed", "skipped"])))
            elif states[name, index] is None:
                one = known[name]
                before = [
                    state
                    for (other, at), state in states.items()
                    if other in one.depends_on
                    and (not one.mapped_group or one.mapped_group != known[other].mapped_group or at == index)
                ]
                found = decided(one.trigger_rule, before) if before else "run"
                if found:
                    moves.append(((name, index), found))
        if not moves:
            return pairs
        instance, state = dice.choice(moves)
        states[instance] = state
        running = {name for (name, _), state in states.items() if state == "run"}
        pairs |= {(one, other) for one in running for other in running if one != other}


@pytest.mark.parametrize("seed", range(150))
def test_no_job_runs_beside_one_that_has_ended_before_it(seed: int) -> None:
    dice = random.Random(seed)
    jobs: list[Job] = []
    for number in range(dice.randint(3, 7)):
        before = [one.name for one in jobs if dice.random() < 0.4]
        group = dice.choice([None, None, "g"])
        rule = "all_success" if not before else dice.choice(_RULES)
        jobs.append(job(f"job{number}", *before, rule=rule, group=group, mapped=not group and dice.random() < 0.2))
    order = ended_before(jobs, [one.name for one in jobs], ["g"])
    for name, ended in order.items():
        assert all(set(order[one]) <= set(ended) for one in ended), f"not transitive at {name}"
    pairs = set().union(*(together(jobs, 2, dice) for _ in range(60)))
    assert not {(name, one) for name, ended in order.items() for one in ended} & pairs


def test_jobs_that_wait_for_success_are_in_order() -> None:
    jobs = [job("a"), job("b", "a"), job("c", "b"), job("d", "a")]
    assert ended_before(jobs, ["a", "c", "d"], []) == {"a": (), "c": ("a",), "d": ("a",)}


def test_a_job_that_ends_early_does_not_stand_for_those_before_it() -> None:
    jobs = [job("slow"), job("fails"), job("both", "slow", "fails"), job("last", "both", rule="all_done")]
    assert ended_before(jobs, ["slow", "last"], []) == {"slow": (), "last": ()}
    jobs[2] = job("both", "slow", "fails", rule="all_done")
    assert ended_before(jobs, ["slow", "last"], [])["last"] == ("slow",)


def test_items_of_a_group_are_not_in_step() -> None:
    jobs = [job("a", group="g"), job("b", "a", group="g"), job("after", "b")]
    assert ended_before(jobs, ["a", "b", "after"], ["g"]) == {"a": (), "b": (), "after": ("a", "b")}
    assert ended_before(jobs, ["a", "b"], [])["b"] == ("a",)
