"""Which DAGs a loader builds where all together are too much work: a count, the same on every machine."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from dag_factory.config import loader_work
from dag_factory.config.model import EnvFrom, EnvVar, Flavor, ForEach, Job, KeyRef, Volume
from dag_factory.config.project.open_project import open_project
from dag_factory.config.project.work_budget import Candidate, choose_left_out

SMALL = Flavor(name="small", limits={"cpu": "1"})
PLAIN = Job(name="a", flavor=SMALL, image="i")
VOLUME = Volume(name="v", mount_path="/v", kind="pvc", source="c")
SECRET = EnvVar(name="A", secret=KeyRef(name="s", key="k"))


def new(name: str, count: int) -> Candidate:
    return Candidate(name, count, None)


def ids(candidates: list[Candidate], budget: int) -> list[str]:
    return [one.id for one in choose_left_out(candidates, budget)]


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
    plain = loader_work.of_job(PLAIN)
    assert 650 < plain < 800
    assert loader_work.of_job(msgspec.structs.replace(PLAIN, **changes)) - plain >= least


def test_what_lies_between_jobs_counts_too(tmp_path: Path) -> None:
    cells = f"matrix: {{i: [{', '.join(map(str, range(250)))}]}}"
    jobs = [f"{name}: {{{cells}, depends_on: [{before}]}}" for before, name in ("ab", "bc", "cd")]
    head = "version: 1\ndefaults: {docker_image: 'a:1', resource_flavor: small}\njobs:\n"
    home = project(tmp_path, "\n  ".join([f"{head}  a: {{{cells}}}", *jobs]))
    assert codes(home) == ["too-much-work"]


def test_the_pages_of_a_family_count_together(tmp_path: Path) -> None:
    head = "version: 1\ntemplate: etl@v1\nwith: {extract: 'a:b', transform: 'a:b', load: 'a:b'}\n"
    head += "defaults: {docker_image: 'a:1', resource_flavor: small}\n"
    members = "".join(f"  m{number}: {{}}\n" for number in range(300))
    doc = "long " * 80_000
    assert codes(project(tmp_path, f"{head}doc: {doc}\ninstances:\n{members}")) == ["too-much-work"]


def project(home: Path, text: str) -> Path:
    for file, content in {
        "platform/flavors.yaml": "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n",
        "platform/environments/local.yaml": "version: 1\n",
        "pipelines/growth/large.yaml": text,
    }.items():
        path = home / "configs" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return home


def codes(home: Path) -> list[str]:
    found = open_project(home).compile_all().problems
    return sorted({one.code for one in found if one.severity == "error" and one.code != "too-many-problems"})
