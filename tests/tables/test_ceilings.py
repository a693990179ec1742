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
        ("pod: {spec: {resources: {limits: {cpu: 8}}}}", "8"),
        ("pod: {spec: {resources: {requests: {cpu: 8}}}}", "8"),
        (f"sidecars: [{side('3')}]\npod: {{spec: {{resources: {{limits: {{cpu: 2}}}}}}}}", "4"),
        ("pod: {spec: {overhead: {cpu: 250m}}}", "1.25"),
        ("pod: {spec: {overhead: {cpu: 1}, resources: {limits: {cpu: 8}}}}", "9"),
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


def placed(job: str, *ceilings: str) -> list[str]:
    rules = [ceiling(f"rule {index}", tree(text)) for index, text in enumerate(ceilings)]
    found = over_ceiling(SMALL, tree(job), rules, OTHERS, Mark("flow.yaml", 1, 1), ("jobs", "a", "resource_flavor"))
    return [f"{one.file}:{one.line}:{one.column} {one.path}" for one in found]


@pytest.mark.parametrize(
    ("job", "place"),
    [
        (
            "pod: {spec: {containers: [{name: base, resources: {limits: {cpu: 8}}}]}}",
            "66 containers[0].resources.limits",
        ),
        ("pod: {spec: {resources: {requests: {cpu: 4}, limits: {cpu: 8}}}}", "60 resources.limits"),
        ("pod: {spec: {overhead: {cpu: 8}}}", "30 overhead"),
        (
            f"pod: {{spec: {{containers: [{side('1')}, {side('2').replace('s', 't', 1)}]}}}}",
            "120 containers[1].resources.limits",
        ),
    ],
)
def test_what_an_overlay_breaks_is_told_there(job: str, place: str) -> None:
    column, path = place.split(" ")
    assert placed(job, "{cpu: 2}") == [f"prod.yaml:1:{column} jobs.a.pod.spec.{path}.cpu"]
    (said,) = told(SMALL, job, "{cpu: 2}")
    assert "with this the job's pod is over the ceiling of rule 0: cpu" in said
    assert said.endswith("-- ask for less; the ceiling stands in prod.yaml:1")
    assert placed(job, "{cpu: 9}") == []


def test_what_no_flavor_would_mend_is_the_overlays() -> None:
    job = "pod: {spec: {containers: [{name: base, resources: {limits: {cpu: 8}}}]}}"
    (said,) = told(LARGE, job, "{cpu: 2}")
    assert "with this the job's pod is over" in said
    (said,) = told(LARGE, "pod: {spec: {overhead: {cpu: 1}}}", "{cpu: 2}")
    assert "the flavor `large` with what `pod` adds is over the ceiling of rule 0: cpu 5" in said
    assert "`small` fits" in said


def test_an_overlay_that_moves_a_container_is_told_itself() -> None:
    job = f"init_containers: [{side('2')}]\npod: {{spec: {{initContainers: [{{name: s, restartPolicy: Always}}]}}}}"
    assert placed(job, "{cpu: 2}") == ["prod.yaml:2:6 jobs.a.pod"]


def test_each_ceiling_is_told_where_it_is_broken() -> None:
    job = "pod: {spec: {overhead: {cpu: 8}}}"
    assert placed(job, "{cpu: 2, memory: 512Mi}") == [
        "prod.yaml:1:30 jobs.a.pod.spec.overhead.cpu",
        "flow.yaml:1:1 jobs.a.resource_flavor",
    ]


@pytest.mark.parametrize("name", ["nvidia.com/mig-7g.80gb", "nvidia.com/gpu.shared", "amd.com/gpu"])
def test_cards_count_under_any_name(name: str) -> None:
    job = f"pod: {{spec: {{containers: [{{name: base, resources: {{limits: {{{name}: 2}}}}}}]}}}}"
    (said,) = told(SMALL, job, "{gpu: 1}")
    assert "gpu 2 (at most 1)" in said
    assert told(SMALL, job, "{gpu: 2}") == []
    assert told(SMALL, job.replace(name, "example.com/gpus"), "{gpu: 0}") == []


def test_claimed_devices_have_no_size_to_hold_against_a_ceiling() -> None:
    job = "pod: {spec: {resourceClaims: [{name: g, resourceClaimTemplateName: eight}]}}"
    (said,) = told(SMALL, job, "{gpu: 4}")
    assert "what a pod claims cannot be held against the ceiling of rule 0: gpu (at most 4)" in said
    assert placed(job, "{gpu: 4}") == ["prod.yaml:1:31 jobs.a.pod.spec.resourceClaims[0]"]
    assert placed(job, "{cpu: 4}") == []
    assert placed("pod: {spec: {resourceClaims: [{name: g, $patch: delete}]}}", "{gpu: 4}") == []


def test_an_overlays_ceiling_is_told_in_the_file_that_says_it() -> None:
    dev = "version: 1\nflavors: {max: {cpu: 2}}\n"
    heavy = """\
        version: 1
        presets:
          heavy:
            pod: {spec: {containers: [{name: base, resources: {limits: {cpu: 8}}}]}}
    """
    flow = PIPELINE + "jobs: {a: {presets: [heavy]}}\n"
    found = PLAIN.having(environments__dev=dev, presets=heavy, pipelines__team__flow=flow)
    assert found.problems() == [
        "over-ceiling presets.yaml:4:70 presets.heavy.pod.spec.containers[0].resources.limits.cpu"
    ]
