"""Environments that extend others, and their settings for schedules."""

from __future__ import annotations

import pytest
from table_project import MINIMAL, PIPELINE

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


def test_environment_overrides_what_it_extends() -> None:
    flow = PIPELINE + "description: ${{ vars.bucket }} ${{ vars.region }} ${{ vars.kept }}\n"
    dev = MINIMAL.with_files(environments__base=BASE, environments__dev=DEV, pipelines__team__flow=flow).pipeline()
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


def test_chain_is_merged_from_its_end() -> None:
    three = MINIMAL.with_files(
        environments__base="version: 1\nvars: {a: base, b: base, c: base}",
        environments__middle="version: 1\nextends: base\nvars: {b: middle, c: middle}",
        environments__dev="version: 1\nextends: middle\nvars: {c: dev}",
        pipelines__team__flow=PIPELINE + "description: ${{ vars.a }} ${{ vars.b }} ${{ vars.c }}\n",
    )
    assert three.pipeline().description == "base middle dev"
    assert three.pipeline("middle").description == "base middle middle"


def test_problem_is_at_the_position_of_the_value() -> None:
    wrong = MINIMAL.with_files(
        environments__base="version: 1\ntimezone: Europe/Berlyn\nflavors:\n  max: {cpu: 1}\n",
        environments__dev="version: 1\nextends: base\n",
    )
    assert wrong.problems() == ["broken-table flow.yaml", "bad-timezone base.yaml:2:11 timezone"]
    assert not wrong.pipelines()
    over = wrong.with_files(
        environments__base="version: 1\nflavors:\n  max: {cpu: 500m}\n",
    )
    assert over.problems() == ["over-ceiling flow.yaml:2:59 defaults.resource_flavor"]
    assert "environments/base.yaml:3" in over.messages()


def test_null_removes_an_extended_value() -> None:
    free = MINIMAL.with_files(
        environments__base="version: 1\nflavors: {max: {cpu: 500m}}\nimages: {mirrors: {docker.io: a.example.com}}\n",
        environments__dev="version: 1\nextends: base\nflavors: {max: null}\nimages: {mirrors: {docker.io: null}}\n",
    )
    assert free.pipeline().jobs[0].image == "acme/image:1"


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
def test_null_unsets_its_key_and_keeps_the_tables(text: str, base: str) -> None:
    found = MINIMAL.with_files(
        environments__base=f"version: 1\n{base}", environments__dev=f"version: 1\nextends: base\n{text}\n"
    )
    assert found.pipeline().jobs[0].flavor.name == "small"


@pytest.mark.parametrize(
    ("table", "key"), [("teams", "teams"), ("retries", "rules"), ("alerts", "channels"), ("presets", "presets")]
)
def test_null_does_not_empty_a_table(table: str, key: str) -> None:
    found = MINIMAL.with_files(**{table: f"version: 1\n{key}:\n"})
    assert f"wrong-type {table}.yaml:2:{len(key) + 2} {key}" in found.problems()
    assert MINIMAL.with_files(**{table: f"version: 1\n{key}: {{}}\n"}).problems() == []


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
def test_errors_in_extends(other: dict[str, str], problems: list[str]) -> None:
    found = MINIMAL.with_files(**other)
    assert sorted(found.problems()) == sorted(["broken-table flow.yaml", *problems])
    assert not found.pipelines()


def test_loop_is_reported_once() -> None:
    circle = MINIMAL.with_files(
        environments__dev="version: 1\nextends: a\n", environments__a="version: 1\nextends: dev\n"
    )
    messages = [line for line in circle.check_messages() if line.startswith("extends-loop")]
    assert messages == ["extends-loop dev.yaml: the environments extend each other in a loop: a -> dev -> a"]


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
    line = f"schedules: {schedules}\n" if schedules else ""
    flow = PIPELINE + 'schedule: "@daily"\n' + (f"paused: {own}\n" if own else "")
    pipeline = MINIMAL.with_files(environments__dev="version: 1\n" + line, pipelines__team__flow=flow).pipeline()
    assert pipeline.paused is paused
    assert (type(pipeline.schedule).__name__ == "Preset") is scheduled


def test_manual_environment_checks_the_schedule() -> None:
    flow = MINIMAL.with_files(
        environments__dev="version: 1\nschedules: manual\n", pipelines__team__flow=PIPELINE + "schedule: 5\n"
    )
    assert flow.problems() == ["bad-schedule flow.yaml:3:11 schedule"]


def test_resolved_text_contains_the_environments_settings() -> None:
    dev = "version: 1\nschedules: manual\ntimezone: Europe/Berlin\n"
    resolved = (
        MINIMAL.with_files(environments__dev=dev, pipelines__team__flow=PIPELINE + 'schedule: "@daily"\n')
        .pipeline()
        .resolved
    )
    assert "schedule: null\n" in resolved
    assert "timezone: Europe/Berlin\n" in resolved
    paused = MINIMAL.with_files(environments__dev="version: 1\nschedules: paused\n").pipeline().resolved
    assert "paused: true\n" in paused
