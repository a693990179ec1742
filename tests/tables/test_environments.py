"""An environment laid over another; what it makes of schedules."""

from __future__ import annotations

import pytest
from tabled import PIPELINE, PLAIN

BASE = """\
    version: 1
    description: What all have
    vars: {bucket: base, region: eu, kept: "${{ environment }}"}
    cluster: {namespace: base, in_cluster: true}
    images: {pull_policy: Always, mirrors: {docker.io: hub.example.com}, forbid_latest: true}
    flavors: {max: {cpu: 2}, define: {small: {memory: 2Gi}}}
    timezone: Europe/Berlin
    defaults: {pipeline: {tags: [base]}, job: {env: {A: base, B: base}, retries: 2}}
"""
DEV = """\
    version: 1
    extends: base
    vars: {bucket: dev}
    cluster: {namespace: dev}
    images: {pull_policy: null}
    flavors: {max: {memory: 4Gi}, define: {small: {cpu: 0.5}}}
    defaults: {pipeline: {tags: [dev]}, job: {env: {A: dev, B: null}}}
"""


def test_what_is_extended_lies_below() -> None:
    flow = PIPELINE + "description: ${{ vars.bucket }} ${{ vars.region }} ${{ vars.kept }}\n"
    dev = PLAIN.having(environments__base=BASE, environments__dev=DEV, pipelines__team__flow=flow).built()
    (job,) = dev.jobs
    assert dev.description == "dev eu dev"
    assert (dev.cluster.namespace, dev.cluster.in_cluster) == ("dev", True)
    assert dev.timezone == "Europe/Berlin"
    assert dev.tags == ("base", "dev")
    assert {one.name: one.value for one in job.env} == {"A": "dev"}
    assert job.retries.count == 2
    assert job.image_pull_policy is None
    assert job.image == "hub.example.com/acme/image:1"
    assert job.flavor.limits == {"cpu": "0.5", "memory": "2Gi"}


def test_a_chain_is_laid_from_its_end() -> None:
    three = PLAIN.having(
        environments__base="version: 1\nvars: {a: base, b: base, c: base}",
        environments__middle="version: 1\nextends: base\nvars: {b: middle, c: middle}",
        environments__dev="version: 1\nextends: middle\nvars: {c: dev}",
        pipelines__team__flow=PIPELINE + "description: ${{ vars.a }} ${{ vars.b }} ${{ vars.c }}\n",
    )
    assert three.built().description == "base middle dev"
    assert three.built("middle").description == "base middle middle"


def test_a_problem_stands_where_the_value_is_written() -> None:
    wrong = PLAIN.having(
        environments__base="version: 1\ntimezone: Europe/Berlyn\nflavors:\n  max: {cpu: 1}\n",
        environments__dev="version: 1\nextends: base\n",
    )
    assert wrong.problems() == ["broken-table flow.yaml", "bad-timezone base.yaml:2:11 timezone"]
    assert not wrong.pipelines()
    over = wrong.having(
        environments__base="version: 1\nflavors:\n  max: {cpu: 500m}\n",
    )
    assert over.problems() == ["over-ceiling flow.yaml:2:59 defaults.resource_flavor"]
    assert "environments/base.yaml:3" in over.said()


def test_a_null_takes_away_what_is_extended() -> None:
    free = PLAIN.having(
        environments__base="version: 1\nflavors: {max: {cpu: 500m}}\nimages: {mirrors: {docker.io: a.example.com}}\n",
        environments__dev="version: 1\nextends: base\nflavors: {max: null}\nimages: {mirrors: {docker.io: null}}\n",
    )
    assert free.built().jobs[0].image == "acme/image:1"


NULLS = [
    "flavors: {define: null}",
    "flavors: {replace: {large: null}}",
    "schedules: null",
    "cluster: {local: {images: {x: null}}}",
    "images: {mirrors: {docker.io: null}}",
    "defaults: {job: null, pipeline: null}",
    "vars: null",
]


@pytest.mark.parametrize("text", NULLS)
@pytest.mark.parametrize(
    "base", ["", "schedules: manual\nflavors: {define: {small: {cpu: 2}}, replace: {large: small}}\n"]
)
def test_a_null_unsets_its_key_and_leaves_the_tables(text: str, base: str) -> None:
    found = PLAIN.having(
        environments__base=f"version: 1\n{base}", environments__dev=f"version: 1\nextends: base\n{text}\n"
    )
    assert found.built().jobs[0].flavor.name == "small"


@pytest.mark.parametrize(
    ("table", "key"), [("teams", "teams"), ("retries", "rules"), ("alerts", "channels"), ("presets", "presets")]
)
def test_a_table_is_not_emptied_by_null(table: str, key: str) -> None:
    found = PLAIN.having(**{table: f"version: 1\n{key}:\n"})
    assert f"wrong-type {table}.yaml:2:{len(key) + 2} {key}" in found.problems()
    assert PLAIN.having(**{table: f"version: 1\n{key}: {{}}\n"}).problems() == []


@pytest.mark.parametrize(
    ("other", "problems"),
    [
        ({"environments__dev": "version: 1\nextends: prod\n"}, ["unknown-environment dev.yaml:2:10 extends"]),
        ({"environments__dev": "version: 1\nextends: dev\n"}, ["extends-loop dev.yaml:2:10 extends"]),
        (
            {"environments__dev": "version: 1\nextends: a\n", "environments__a": "version: 1\nextends: dev\n"},
            ["extends-loop dev.yaml:2:10 extends"],
        ),
        (
            {
                "environments__dev": "version: 1\nextends: b\n",
                "environments__a": "version: 1\nextends: b\n",
                "environments__b": "version: 1\n\nextends: a\n",
            },
            ["extends-loop b.yaml:3:10 extends"],
        ),
        ({"environments__dev": "version: 1\nextends: ${{ vars.x }}\n"}, ["bad-name dev.yaml:2:10 extends"]),
        ({"environments__dev": "version: 1\nextends: a\n", "environments__a": "[]\n"}, ["wrong-type a.yaml:1:1"]),
    ],
    ids=["unknown", "itself", "two", "beside the circle", "computed", "unreadable"],
)
def test_what_cannot_be_extended(other: dict[str, str], problems: list[str]) -> None:
    found = PLAIN.having(**other)
    assert sorted(found.problems()) == sorted(["broken-table flow.yaml", *problems])
    assert not found.pipelines()


def test_a_circle_is_told_once() -> None:
    circle = PLAIN.having(environments__dev="version: 1\nextends: a\n", environments__a="version: 1\nextends: dev\n")
    told = [line for line in circle.surveyed() if line.startswith("extends-loop")]
    assert told == ["extends-loop dev.yaml: the environments extend each other in a loop: a -> dev -> a"]


@pytest.mark.parametrize(
    ("schedules", "own", "paused", "scheduled"),
    [
        (None, None, False, True),
        ("run", None, False, True),
        ("run", "true", True, True),
        ("paused", None, True, True),
        ("paused", "false", False, True),
        ("manual", None, False, False),
        ("manual", "true", True, False),
    ],
)
def test_schedules(schedules: str | None, own: str | None, paused: bool, scheduled: bool) -> None:
    said = f"schedules: {schedules}\n" if schedules else ""
    flow = PIPELINE + 'schedule: "@daily"\n' + (f"paused: {own}\n" if own else "")
    pipeline = PLAIN.having(environments__dev="version: 1\n" + said, pipelines__team__flow=flow).built()
    assert pipeline.paused is paused
    assert (type(pipeline.schedule).__name__ == "Preset") is scheduled


def test_a_manual_environment_still_checks_the_schedule() -> None:
    flow = PLAIN.having(
        environments__dev="version: 1\nschedules: manual\n", pipelines__team__flow=PIPELINE + "schedule: 5\n"
    )
    assert flow.problems() == ["bad-schedule flow.yaml:3:11 schedule"]


def test_what_the_environment_decides_is_in_the_resolved_text() -> None:
    dev = "version: 1\nschedules: manual\ntimezone: Europe/Berlin\n"
    resolved = (
        PLAIN.having(environments__dev=dev, pipelines__team__flow=PIPELINE + 'schedule: "@daily"\n').built().resolved
    )
    assert "schedule: null\n" in resolved
    assert "timezone: Europe/Berlin\n" in resolved
    paused = PLAIN.having(environments__dev="version: 1\nschedules: paused\n").built().resolved
    assert "paused: true\n" in paused
