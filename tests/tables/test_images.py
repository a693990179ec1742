"""Mirrors and allowed images, for every container of a pod."""

from __future__ import annotations

import pytest
from table_project import MINIMAL, Project

from dag_factory.config.guard_rules import Guards, Rule
from dag_factory.config.jobs import job_model
from dag_factory.config.jobs.checks import limits
from dag_factory.config.model import Cluster, Flavor
from dag_factory.config.platform import images
from dag_factory.config.pod import image_names
from dag_factory.config.positions import Position
from dag_factory.config.source import yaml_reader
from dag_factory.config.tree import MapNode

MIRRORS = {
    "docker.io": "r.example.com/hub",
    "docker.io/library": "r.example.com/official",
    "ghcr.io": "r.example.com/gh",
    "ghcr.io/acme/tool": "r.example.com/tool",
    "localhost:5000": "r.example.com/local",
    "registry": "r.example.com/never",
}


@pytest.mark.parametrize(
    ("image", "whole"),
    [
        ("python", "docker.io/library/python"),
        ("python:3.12", "docker.io/library/python:3.12"),
        ("python@sha256:ab", "docker.io/library/python@sha256:ab"),
        ("acme/tool:1", "docker.io/acme/tool:1"),
        ("a/b/c:1", "docker.io/a/b/c:1"),
        ("docker.io/python", "docker.io/library/python"),
        ("index.docker.io/acme/tool", "docker.io/acme/tool"),
        ("ghcr.io/acme/tool:1", "ghcr.io/acme/tool:1"),
        ("localhost/tool", "localhost/tool"),
        ("localhost:5000/tool:1", "localhost:5000/tool:1"),
        ("host:5000/tool", "host:5000/tool"),
        ("HOST/tool", "HOST/tool"),
        ("python:{{ params.tag }}", "docker.io/library/python:{{ params.tag }}"),
        ("ghcr.io/{{ a }}/{{ b | default('x/y') }}:1", "ghcr.io/{{ a }}/{{ b | default('x/y') }}:1"),
        ("{{ params.image }}", None),
        ("{{ params.registry }}/tool:1", None),
        ("tool-{{ params.x }}:1", None),
    ],
)
def test_full_name_has_the_registry_that_docker_uses(image: str, whole: str | None) -> None:
    assert image_names.full_name(image) == whole


@pytest.mark.parametrize(
    ("image", "final"),
    [
        ("python:3.12", "r.example.com/official/python:3.12"),
        ("acme/tool", "r.example.com/hub/acme/tool"),
        ("librarymen/tool", "r.example.com/hub/librarymen/tool"),
        ("ghcr.io/acme/tool:1", "r.example.com/tool:1"),
        ("ghcr.io/acme/tool@sha256:ab", "r.example.com/tool@sha256:ab"),
        ("ghcr.io/acme/tools:1", "r.example.com/gh/acme/tools:1"),
        ("ghcr.io.example.com/a:1", "ghcr.io.example.com/a:1"),
        ("localhost:5000/a", "r.example.com/local/a"),
        ("localhost:50001/a", "localhost:50001/a"),
        ("registry:5000/a", "registry:5000/a"),
        ("r.example.com/hub/a:1", "r.example.com/hub/a:1"),
        ("{{ params.image }}", "{{ params.image }}"),
        ("acme/tool:{{ params.tag }}", "r.example.com/hub/acme/tool:{{ params.tag }}"),
    ],
)
def test_longest_mirror_applies_once(image: str, final: str) -> None:
    assert image_names.apply_mirror(image, MIRRORS) == final


def job(text: str) -> MapNode:
    node, problems = yaml_reader.read(text, "flow.yaml")
    assert isinstance(node, MapNode), problems
    return node


POD = """\
docker_image: acme/own:1
init_containers: [{name: a, image: acme/init}]
sidecars:
  - {name: b, image: acme/side:latest}
  - {name: c}
pod: {spec: {containers: [{name: base}, {name: d, image: ghcr.io/a/pod:1}], initContainers: [{name: e, image: py}]}}
"""


def test_images_of_all_containers() -> None:
    assert {".".join(map(str, path)): image.text for path, image in images.job_images(job(POD))} == {
        "docker_image": "acme/own:1",
        "init_containers.0.image": "acme/init",
        "sidecars.0.image": "acme/side:latest",
        "pod.spec.containers.1.image": "ghcr.io/a/pod:1",
        "pod.spec.initContainers.0.image": "py",
    }


def test_mirrors_apply_to_all_containers_and_keep_positions() -> None:
    before = dict(images.job_images(job(POD)))
    after = dict(images.job_images(images.apply_mirrors(job(POD), {"docker.io": "r.example.com"})))
    assert [image.text for image in after.values()] == [
        "r.example.com/acme/own:1",
        "r.example.com/acme/init",
        "r.example.com/acme/side:latest",
        "r.example.com/library/py",
        "ghcr.io/a/pod:1",
    ]
    assert {path: image.position for path, image in after.items()} == {
        path: image.position for path, image in before.items()
    }


def breaches(node: MapNode, *allowed: str) -> list[tuple[str, int, str]]:
    rule = Rule("the environment `prod`", "prod.yaml", 4, allowed)
    guards = Guards(images=(rule,), forbid_latest=rule)
    model = job_model.make_job("train", Flavor(name="small"), node, {})
    found = limits.check(model, node, Cluster(), guards, (), Position("flow.yaml", 1, 1), ("jobs", "train"))
    return sorted((one.code, one.line, one.path) for one in found)


def test_all_containers_are_checked() -> None:
    assert breaches(job(POD.replace("{name: c}", "{name: c, image: acme/c:1}")), "acme/*", "py") == [
        ("image-latest", 2, "jobs.train.init_containers[0].image"),
        ("image-latest", 4, "jobs.train.sidecars[0].image"),
        ("image-latest", 6, "jobs.train.pod.spec.initContainers[0].image"),
        ("image-not-allowed", 6, "jobs.train.pod.spec.containers[1].image"),
    ]


def test_mounted_image_is_mirrored_and_checked() -> None:
    flow = job(
        "docker_image: acme/a:1\n"
        "pod: {spec: {volumes: [{name: e, emptyDir: {}}, {name: v, image: {reference: acme/model}}]}}\n"
    )
    where = ("pod", "spec", "volumes", 1, "image", "reference")
    assert dict(images.job_images(images.apply_mirrors(flow, {"docker.io": "r.example.com"})))[where].text == (
        "r.example.com/acme/model"
    )
    assert breaches(flow, "acme/a:*") == [
        ("image-latest", 2, "jobs.train.pod.spec.volumes[1].image.reference"),
        ("image-not-allowed", 2, "jobs.train.pod.spec.volumes[1].image.reference"),
    ]


def project(image: str, policy: str) -> Project:
    flow = f"version: 1\ndefaults: {{resource_flavor: small}}\njobs:\n  a:\n    docker_image: {image}\n"
    flow += "params: {tag: a, digest: b, image: c}\n"
    return MINIMAL.with_files(pipelines__team__flow=flow, environments__dev=f"version: 1\nimages: {policy}\n")


PLACE = "flow.yaml:5:19 jobs.a.docker_image"


@pytest.mark.parametrize(
    ("image", "contains"),
    [
        ("r.example.com/{% if 0 %}/churn:{% endif %}evil:1", "a statement"),
        ("evil:1{{# }}/churn:#}}", "a comment"),
        ("churn:{{''}}latest", "an expression that does more than read a value"),
        ("churn:{{ 'x' }}", "an expression that does more than read a value"),
        ("churn:{{ params.tag or 'x' }}", "an expression that does more than read a value"),
        ("churn:{{ params['t' ~ 'ag'] }}", "an expression that does more than read a value"),
        ("churn:{{ '}}' }}{{ params.tag }}", "an expression that does more than read a value"),
        ("churn:1 {{- params.tag }}", "`{{-`, which removes whitespace around it"),
        ("{% raw %}{{ params.tag }}{% endraw %}", "a raw block"),
        ("churn:{{ params.tag", "a syntax error"),
    ],
)
def test_image_may_contain_only_whole_expressions(image: str, contains: str) -> None:
    quoted = image.replace("'", "''")
    found = project(f"'{quoted}'", '{allowed: ["*"]}')
    assert f"image-template {PLACE}" in found.problems()
    assert f"the template of the image `{image}` contains {contains}" in found.messages()


@pytest.mark.parametrize(
    "image",
    [
        "churn:v{{ params.tag }}",
        "churn:{{ params['tag'] }}",
        "churn:{{ params.get('tag') }}-{{ ds_nodash }}",
        "churn:{{ params.tag | lower }}",
        "churn:{{ params.tag | replace('a', 'b') }}",
    ],
)
def test_expression_that_reads_a_value_is_allowed(image: str) -> None:
    assert not project(f'"{image}"', '{allowed: ["churn:*"]}').problems()


@pytest.mark.parametrize("where", ["init_containers", "sidecars"])
def test_images_of_other_containers_may_contain_only_whole_expressions(where: str) -> None:
    flow = f"version: 1\ndefaults: {{resource_flavor: small, docker_image: a}}\njobs:\n  a:\n    {where}:\n"
    flow += "    - {name: b, image: 'r.example.com/{% if 0 %}x{% endif %}'}\n"
    found = MINIMAL.with_files(pipelines__team__flow=flow).problems()
    assert f"image-template flow.yaml:6:24 jobs.a.{where}[0].image" in found


@pytest.mark.parametrize(
    ("image", "problems"),
    [
        ("acme/tool:1.2", []),
        ("acme/tool", ["image-latest"]),
        ("acme/tool:latest", ["image-latest"]),
        ("host:5000/tool", ["image-latest"]),
        ("acme/tool@sha256:ab", []),
        ("acme/tool:latest@sha256:ab", []),
        ("acme/tool:latest-gpu", []),
        ("acme/tool:{{ params.tag }}", ["image-latest"]),
        ("acme/tool:v{{ params.tag }}", []),
        ("acme/tool@{{ params.digest }}", []),
        ("${{ vars.nothing }}", ["undefined-name"]),
    ],
)
def test_latest_is_forbidden(image: str, problems: list[str]) -> None:
    found = project(f'"{image}"', "{forbid_latest: true}")
    assert found.problems() == [f"{code} {PLACE}" for code in problems]
    if "image-latest" in problems:
        assert "environments/dev.yaml:2" in found.messages()
    assert not project(f'"{image}"', "{forbid_latest: false}").problems() or "vars" in image


@pytest.mark.parametrize(
    ("image", "allowed", "right"),
    [
        ("r.example.com/a:1", "r.example.com/*", True),
        ("r.example.com.evil.example/a:1", "r.example.com/*", False),
        ("python:3", "docker.io/library/*", True),
        ("python:3", "python:*", True),
        ("acme/a:1", "docker.io/library/*", False),
        ("r.example.com/a:{{ params.tag }}", "r.example.com/*", True),
        ("r.example.com/a:{{ params.tag }}", "r.example.com/a:?", False),
        ("{{ params.image }}", "r.example.com/*", False),
        ("{{ params.image }}", "*", True),
        ("r.example.com/A:1", "r.example.com/a:*", False),
    ],
)
def test_allowed_images(image: str, allowed: str, right: bool) -> None:
    found = project(f'"{image}"', f'{{allowed: ["{allowed}", "other/*"]}}')
    assert found.problems() == ([] if right else [f"image-not-allowed {PLACE}"])
    if not right:
        assert "the environment `dev` does not allow" in found.messages()
        assert (
            f"use an image that matches {allowed} or other/*; see configs/platform/environments/dev.yaml:2"
            in found.messages()
        )


def test_allowed_images_match_the_mirrored_name() -> None:
    policy = '{mirrors: {docker.io: r.example.com/hub}, allowed: ["r.example.com/*"]}'
    assert project("python:3", policy).pipeline().jobs[0].image == "r.example.com/hub/library/python:3"
    assert "docker_image: r.example.com/hub/library/python:3" in project("python:3", policy).pipeline().resolved


def test_registry_that_is_not_known_has_no_mirror() -> None:
    found = project('"{{ params.image }}"', "{mirrors: {docker.io: r.example.com/hub}}").compile()
    assert [(one.code, one.severity) for one in found.problems] == [("image-not-known", "warning")]
    assert found.pipelines[0].jobs[0].image == "{{ params.image }}"


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ("{mirrors: {hub: r.example.com}}", "bad-registry dev.yaml:2:20 images.mirrors.hub"),
        ("{mirrors: {docker.io: https://r.example.com}}", "bad-registry dev.yaml:2:31 images.mirrors.docker.io"),
        ("{mirrors: {docker.io: r.example.com/}}", "bad-registry dev.yaml:2:31 images.mirrors.docker.io"),
        ("{allowed: acme/*}", "wrong-type dev.yaml:2:19 images.allowed"),
        ("{allowed: []}", "too-small dev.yaml:2:19 images.allowed"),
        ("{forbid_latest: 1}", "wrong-type dev.yaml:2:25 images.forbid_latest"),
        ("{mirror: {}}", "unknown-key dev.yaml:2:10 images.mirror"),
    ],
)
def test_invalid_pull_policy(policy: str, problem: str) -> None:
    assert problem in project("acme/a:1", policy).problems()
