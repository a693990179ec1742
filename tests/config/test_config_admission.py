"""Which DAGs a loader builds where all together are too much work: a count, the same on every machine."""

from __future__ import annotations

import msgspec
import pytest

from dag_factory.config import work
from dag_factory.config.admission import Candidate, held_out
from dag_factory.config.model import EnvFrom, EnvVar, Flavor, ForEach, Job, KeyRef, Volume

SMALL = Flavor(name="small", limits={"cpu": "1"})
PLAIN = Job(name="a", flavor=SMALL, image="i")
VOLUME = Volume(name="v", mount_path="/v", kind="pvc", source="c")
SECRET = EnvVar(name="A", secret=KeyRef(name="s", key="k"))


def new(name: str, count: int) -> Candidate:
    return Candidate(name, count, None)


def ids(candidates: list[Candidate], budget: int) -> list[str]:
    return [one.id for one in held_out(candidates, budget)]


def test_within_the_budget_nobody_waits() -> None:
    assert ids([new("a", 5), new("b", 5)], 10) == []


def test_the_heaviest_newcomer_waits_first_and_ties_go_by_id() -> None:
    assert ids([new("c", 4), new("a", 9), new("b", 4), new("d", 1)], 9) == ["a"]
    assert ids([new("c", 4), new("b", 4), new("a", 4)], 4) == ["a", "b"]


def test_what_was_in_the_last_pass_stays_however_heavy() -> None:
    before = Candidate("old", 100, 100)
    assert ids([before, new("new", 1)], 50) == ["new"]
    assert ids([before], 50) == []


def test_a_dag_that_grows_waits_with_what_it_adds() -> None:
    grown, shrunk = Candidate("grown", 90, 10), Candidate("shrunk", 5, 50)
    assert ids([grown, shrunk, new("new", 70)], 100) == ["grown"]
    assert ids([grown, shrunk, new("new", 81)], 100) == ["new"]


@pytest.mark.parametrize(
    ("changes", "least"),
    [
        ({"volumes": (VOLUME,) * 38}, 38 * 190),
        ({"env": (SECRET,) * 20}, 20 * 70),
        ({"env_from": (EnvFrom(kind="secret", name="s"),) * 20}, 20 * 25),
        ({"args": ("x" * 10_000,)}, 300),
        ({"for_each": ForEach(variable="A", items=("a",) * 400)}, 400 * 8),
        ({"pod": {"spec": {"volumes": [{"name": "v", "emptyDir": {}}] * 20}}}, 20 * 150),
        ({"when": "{{ params.x }}"}, 150),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_costs_airflow_more_counts_more(changes: dict[str, object], least: int) -> None:
    plain = work.of_job(PLAIN)
    assert 650 < plain < 800
    assert work.of_job(msgspec.structs.replace(PLAIN, **changes)) - plain >= least
