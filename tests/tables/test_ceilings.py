"""A pod's size, with all its containers, under the ceiling."""

from __future__ import annotations

import pytest
from tabled import PIPELINE, PLAIN

from dag_factory.config import yaml12
from dag_factory.config.ceilings import ceiling, over_ceiling
from dag_factory.config.flavors import FlavorEntry
from dag_factory.config.model import Flavor
from dag_factory.config.places import Mark
from dag_factory.config.tree import Mapping, mapping

SMALL = Flavor(name="small", requests={"cpu": "1", "memory": "1Gi"}, limits={"cpu": "1", "memory": "1Gi"})
LARGE = Flavor(name="large", requests={"cpu": "4", "memory": "16Gi"}, limits={"cpu": "4", "memory": "16Gi"})
OTHERS = [FlavorEntry(flavor, mapping({}, {}, Mark("")), Mark("")) for flavor in (SMALL, LARGE)]


def tree(text: str) -> Mapping:
    node, problems = yaml12.read(text, "prod.yaml")
    assert isinstance(node, Mapping), problems
    return node


def told(flavor: Flavor, job: str, *ceilings: str) -> list[str]:
    rules = [ceiling(f"rule {index}", tree(text)) for index, text in enumerate(ceilings)]
    found = over_ceiling(flavor, tree(job), rules, OTHERS, Mark("flow.yaml", 1, 1), ("jobs", "a", "resource_flavor"))
    return [f"{one.message} -- {one.hint}" for one in found]


def side(cpu: str, more: str = "") -> str:
    return f"{{name: s, resources: {{limits: {{cpu: {cpu}, memory: 512Mi}}}}{more}}}"


@pytest.mark.parametrize(
    ("job", "cpu"),
    [
        ("{}", "1"),
        (f"sidecars: [{side('500m')}]", "1.5"),
        (f"sidecars: [{side('500m')}, {side('1')}]", "2.5"),
        (f"init_containers: [{side('1')}]", "1"),
        (f"init_containers: [{side('3')}, {side('2')}]", "3"),
        (f"init_containers: [{side('3')}]\nsidecars: [{side('1')}]", "4"),
        ("sidecars: [{name: s, resources: {requests: {cpu: 2}}}]", "3"),
        ("sidecars: [{name: s}]", "1"),
        (f"pod: {{spec: {{containers: [{side('2')}]}}}}", "3"),
        ("pod: {spec: {containers: [{name: base, resources: {limits: {cpu: 6}}}]}}", "6"),
        (f"pod: {{spec: {{initContainers: [{side('2', ', restartPolicy: Always')}]}}}}", "3"),
        (f"pod: {{spec: {{initContainers: [{side('2')}]}}}}", "2"),
    ],
)
def test_all_containers_count(job: str, cpu: str) -> None:
    assert told(SMALL, job, f"{{cpu: {cpu}}}") == []
    (problem,) = told(SMALL, job, "{cpu: 900m}")
    assert f"cpu {cpu} (at most 900m)" in problem


def test_memory_is_summed() -> None:
    (problem,) = told(SMALL, f"sidecars: [{side('1')}]", "{memory: 1Gi}")
    assert "the flavor `small` with the job's other containers is over" in problem
    assert "memory 1.5Gi (at most 1Gi)" in problem


def test_the_strictest_is_told() -> None:
    assert told(LARGE, "{}", "{cpu: 2, memory: 8Gi}", "{cpu: 3, memory: 4Gi}") == [
        "the flavor `large` is over the ceiling of rule 0: cpu 4 (at most 2) -- `small` fits;"
        " the ceiling stands in prod.yaml:1",
        "the flavor `large` is over the ceiling of rule 1: memory 16Gi (at most 4Gi) -- `small` fits;"
        " the ceiling stands in prod.yaml:1",
    ]


def test_the_ceiling_is_asked_after_the_replacement() -> None:
    dev = "version: 1\nflavors: {max: {gpu: 0, cpu: 8}, replace: {card: large}}\n"
    flow = PIPELINE.replace("small", "card")
    assert PLAIN.having(environments__dev=dev, pipelines__team__flow=flow).built().jobs[0].flavor.name == "large"
    dev = "version: 1\nflavors: {max: {gpu: 0, cpu: 8}}\n"
    found = PLAIN.having(environments__dev=dev, pipelines__team__flow=flow)
    assert found.problems() == ["over-ceiling flow.yaml:2:59 defaults.resource_flavor"]
    assert "gpu 1 (at most 0) -- `large` fits; the ceiling stands in configs/platform/environments/dev.yaml:2" in (
        found.said()
    )
