"""Provenance: each value of a resolved pipeline has the file, the line and the layer that set it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from compiled_origins import Origin, origins
from hypothesis import given, settings
from hypothesis import strategies as st
from table_project import MINIMAL, PIPELINE, Project

from dag_factory.config import open_project

FLAVORS = """\
version: 1
flavors:
  small:
    cpu: 1
    memory: 1Gi
    node_selector: {pool: a}
  large: {cpu: 8, memory: 32Gi}
"""
DEV = """\
version: 1
extends: base
vars: {image: acme/image, rule: transient}
images: {pull_policy: Always}
timezone: Europe/Berlin
flavors:
  define: {small: {annotations: {b: c}}}
defaults:
  job: {env: {STAGE: dev}}
"""
BASE = "version: 1\nschedules: manual\ndefaults: {pipeline: {start_date: 2026-01-01}}\n"
TEAMS = "version: 1\nteams:\n  growth:\n    service_account: growth\n    defaults: {job: {labels: {centre: a}}}\n"
PRESETS = "version: 1\npresets:\n  net: {annotations: {egress: x}}\n"
RULES = "version: 1\nrules:\n  transient: {retries: 3, delay: 30s}\n"
TEMPLATE = """\
version: 1
inputs: {word: {type: string}}
---
command: [echo, ${{ inputs.word }}]
timeout: 1h
"""
FLOW = """\
version: 1
schedule: "@daily"
tags: [a]
defaults:
  docker_image: "${{ vars.image }}:1"
  resource_flavor: small
  presets: [net]
jobs:
  say:
    uses: say@v1
    with: {word: hello}
    retries: ${{ vars.rule }}
  many:
    script: echo ${{ matrix.n }}
    matrix: {n: [1, 2]}
    env: {N: "${{ matrix.n }}", STAGE: own}
environments:
  dev:
    tags: [b]
    jobs: {say: {timeout: 2h, retries: 5}}
"""
PROJECT = Project(
    {
        "flavors": FLAVORS,
        "environments/base": BASE,
        "environments/dev": DEV,
        "teams": TEAMS,
        "presets": PRESETS,
        "retries": RULES,
        "templates/jobs/say/v1.yaml.j2": TEMPLATE,
        "pipelines/growth/flow": FLOW,
    }
)


def found(project: Project, dag_id: str = "growth.flow", environment: str = "dev") -> dict[str, Origin]:
    with project.on_disk() as home:
        return {one.path: one for one in origins(open_project(home, environment), dag_id)}


WHERE = {
    "tags[0]": ("a", "pipeline", "pipelines/growth/flow.yaml:3:8"),
    "tags[1]": ("b", "pipeline in environment dev", "pipelines/growth/flow.yaml:19:12"),
    "schedule": (None, "environment base", "platform/environments/base.yaml:2:12"),
    "timezone": ("Europe/Berlin", "environment dev", "platform/environments/dev.yaml:5:11"),
    "start_date": ("2026-01-01", "environment base", "platform/environments/base.yaml:3:35"),
    "jobs.say.docker_image": ("acme/image:1", "pipeline defaults", "pipelines/growth/flow.yaml:5:17"),
    "jobs.say.image_pull_policy": ("Always", "environment dev", "platform/environments/dev.yaml:4:23"),
    "jobs.say.env.STAGE": ("dev", "environment dev", "platform/environments/dev.yaml:9:22"),
    "jobs.say.service_account": ("growth", "team growth", "platform/teams.yaml:4:22"),
    "jobs.say.labels.centre": ("a", "team growth", "platform/teams.yaml:5:39"),
    "jobs.say.annotations.egress": ("x", "preset net", "platform/presets.yaml:3:31"),
    "jobs.say.annotations.b": ("c", "flavor small in environment dev", "platform/environments/dev.yaml:7:37"),
    "jobs.say.node_selector.pool": ("a", "flavor small", "platform/flavors.yaml:6:27"),
    "jobs.say.command[1]": ("hello", "template say@v1", "platform/templates/jobs/say/v1.yaml.j2:4:17"),
    "jobs.say.timeout": ("2h", "pipeline in environment dev", "pipelines/growth/flow.yaml:20:27"),
    "jobs.say.retries.retries": (5, "pipeline in environment dev", "pipelines/growth/flow.yaml:20:40"),
    "jobs.say.retries.delay": ("30s", "retry rule transient", "platform/retries.yaml:3:34"),
    "jobs.many-1.env.N": (1, "job many", "pipelines/growth/flow.yaml:16:14"),
    "jobs.many-2.script": ("echo 2", "job many", "pipelines/growth/flow.yaml:14:13"),
    "jobs.many-2.env.STAGE": ("own", "job many", "pipelines/growth/flow.yaml:16:40"),
    "jobs.many-2.resource_flavor": ("small", "pipeline defaults", "pipelines/growth/flow.yaml:6:20"),
}


@pytest.fixture(scope="module")
def provenance() -> dict[str, Origin]:
    return found(PROJECT)


@pytest.mark.parametrize("path", WHERE)
def test_provenance_of_a_value(path: str, provenance: dict[str, Origin]) -> None:
    one = provenance[path]
    place = f"{one.file.removeprefix('configs/')}:{one.line}:{one.column}"
    assert (one.value, one.layer, place) == WHERE[path]


def test_value_from_a_template_has_its_caller(provenance: dict[str, Origin]) -> None:
    caller = provenance["jobs.say.command[1]"].caller
    assert caller is not None
    assert (caller.file, caller.line) == ("configs/pipelines/growth/flow.yaml", 10)
    assert provenance["jobs.say.docker_image"].caller is None


def test_every_value_has_a_position(provenance: dict[str, Origin]) -> None:
    assert len(provenance) > len(WHERE)
    assert all(one.line and one.column and one.file.startswith("configs/") for one in provenance.values())


def test_replaced_flavor_comes_from_the_environment() -> None:
    dev = "version: 1\nflavors: {replace: {small: large}}\n"
    project = MINIMAL.with_files(environments__dev=dev)
    one = found(project, "team.flow")["jobs.main.resource_flavor"]
    assert (one.value, one.layer, one.line) == ("large", "environment dev", 2)
    assert "resource_flavor: large" in project.pipeline().resolved


def test_alias_belongs_to_the_key_that_uses_it() -> None:
    flow = PIPELINE + "jobs:\n  a: {env: &env {X: y}}\n  b: {env: *env}\n"
    both = found(MINIMAL.with_files(pipelines__team__flow=flow), "team.flow")
    assert both["jobs.a.env.X"].layer == "job a"
    assert both["jobs.b.env.X"].layer == "job b"


def test_instance_of_a_pipeline_template() -> None:
    template = "version: 1\ninputs: {n: {type: string}}\n---\ndescription: ${{ inputs.n }}\n"
    flow = PIPELINE + "template: t@v1\ninstances: {one: {n: a}}\n"
    project = MINIMAL.with_files(pipelines__team__flow=flow)
    project = Project({**project.files, "templates/pipelines/t/v1.yaml.j2": template})
    one = found(project, "team.flow.one")["description"]
    assert (one.value, one.layer, one.line) == ("a", "template t@v1", 4)
    assert one.caller is not None
    assert one.caller.line == 4


def test_missing_or_broken_pipeline_has_no_provenance() -> None:
    assert found(MINIMAL, "team.nothing") == {}
    assert found(MINIMAL, "../flow") == {}
    assert found(MINIMAL.with_files(pipelines__team__flow=PIPELINE.replace("small", "smal")), "team.flow") == {}
    assert found(MINIMAL.with_files(pipelines__team__flow="- a\n"), "team.flow") == {}


# From low to high. Each sets the variable at its own position.
LAYERS = {
    "environment base": "environments/base",
    "environment dev": "environments/dev",
    "team growth": "teams",
    "team growth/ads": "teams",
    "pipeline defaults": "pipelines/growth/ads/flow",
    "preset net": "presets",
    "flavor small": "flavors",
    "template say@v1": "templates/jobs/say/v1.yaml.j2",
    "job a": "pipelines/growth/ads/flow",
    "pipeline in environment dev": "pipelines/growth/ads/flow",
}


def project_with(chosen: dict[str, Any]) -> Project:
    """A project in which the chosen layers set the variable X, each to its own value."""
    return project_with_layers({layer: f"{{env: {{X: {value}}}}}" for layer, value in chosen.items()})


def project_with_layers(layers: dict[str, str]) -> Project:
    """A project in which each of ``LAYERS`` sets keys of the job `a`; ``layers`` has its map as text."""

    def env(layer: str) -> str:
        return layers.get(layer, "{}")

    overlay = f"environments: {{dev: {{jobs: {{a: {env('pipeline in environment dev')}}}}}}}\n"
    return Project(
        {
            "environments/base": f"version: 1\ndefaults: {{job: {env('environment base')}}}\n",
            "environments/dev": f"version: 1\nextends: base\ndefaults: {{job: {env('environment dev')}}}\n",
            "teams": "version: 1\nteams:\n"
            f"  growth: {{defaults: {{job: {env('team growth')}}}}}\n"
            f"  growth/ads: {{defaults: {{job: {env('team growth/ads')}}}}}\n",
            "presets": f"version: 1\npresets: {{net: {env('preset net')}}}\n",
            "flavors": f"version: 1\nflavors: {{small: {{cpu: 1, memory: 1Gi, {env('flavor small')[1:]}}}\n",
            "templates/jobs/say/v1.yaml.j2": f"version: 1\n---\n{env('template say@v1')}\n",
            "pipelines/growth/ads/flow": "version: 1\n"
            f"defaults: {{docker_image: i, resource_flavor: small, presets: [net], {env('pipeline defaults')[1:]}\n"
            f"jobs: {{a: {{uses: say@v1, {env('job a')[1:]}}}\n{overlay}",
        }
    )


VARIABLES = st.dictionaries(st.sampled_from("XYZ"), st.integers(0, 9) | st.none())


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(list(LAYERS)), VARIABLES))
def test_highest_layer_sets_each_variable_and_null_unsets(chosen: dict[str, dict[str, int | None]]) -> None:
    project = project_with_layers({layer: json.dumps({"env": variables}) for layer, variables in chosen.items()})
    wanted: dict[str, tuple[Any, str]] = {}
    for layer in LAYERS:
        wanted |= {name: (value, layer) for name, value in chosen.get(layer, {}).items()}
    wanted = {name: (value, layer) for name, (value, layer) in wanted.items() if value is not None}
    made = found(project, "growth.ads.flow")
    variables = {path.rpartition(".")[2]: one for path, one in made.items() if path.startswith("jobs.a.env.")}
    assert {name: (one.value, one.layer) for name, one in variables.items()} == wanted
    (job,) = project.pipeline().jobs
    assert {one.name: one.value for one in job.env} == {name: str(value) for name, (value, _) in wanted.items()}


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(list(LAYERS)), st.lists(st.sampled_from("abcd"), max_size=3, unique=True)))
def test_appended_lists_are_in_the_order_of_the_layers(chosen: dict[str, list[str]]) -> None:
    project = project_with_layers(
        {
            layer: json.dumps(
                {
                    "tolerations": [{"key": key} for key in keys],
                    "volumes": [{"mount_path": f"/{key}", "pvc": f"{key}{list(LAYERS).index(layer)}"} for key in keys],
                    "image_pull_secrets": keys,
                }
            )
            for layer, keys in chosen.items()
        }
    )
    (job,) = project.pipeline().jobs
    joined = list(dict.fromkeys(key for layer in LAYERS for key in chosen.get(layer, ())))
    highest = {key: list(LAYERS).index(layer) for layer in LAYERS for key in chosen.get(layer, ())}
    assert [one["key"] for one in job.tolerations] == list(job.image_pull_secrets) == joined
    assert {one.mount_path: one.source for one in job.volumes} == {f"/{key}": f"{key}{n}" for key, n in highest.items()}


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(list(LAYERS)), st.integers(0, 9), min_size=1))
def test_highest_layer_that_sets_the_value_is_reported(chosen: dict[str, int]) -> None:
    highest = [layer for layer in LAYERS if layer in chosen][-1]
    one = found(project_with(chosen), "growth.ads.flow")["jobs.a.env.X"]
    assert (one.value, one.layer) == (chosen[highest], highest)
    assert f"{LAYERS[highest].removesuffix('.j2')}" in one.file
