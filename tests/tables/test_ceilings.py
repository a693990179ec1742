"""Maximums: the size of a pod with all its containers."""

from __future__ import annotations

import pytest
from table_project import MINIMAL, PIPELINE

from dag_factory.config.guard_rules import NONE
from dag_factory.config.guards import read_guards
from dag_factory.config.jobs import job_model
from dag_factory.config.jobs.checks import limits
from dag_factory.config.model import Cluster, Flavor
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.source import yaml_reader
from dag_factory.config.tree import MapNode

SMALL = Flavor(name="small", requests={"cpu": "1", "memory": "1Gi"}, limits={"cpu": "1", "memory": "1Gi"})
LARGE = Flavor(name="large", requests={"cpu": "4", "memory": "16Gi"}, limits={"cpu": "4", "memory": "16Gi"})
SUGGESTIONS = (SMALL, LARGE)


def tree(text: str) -> MapNode:
    node, problems = yaml_reader.read(text, "prod.yaml")
    assert isinstance(node, MapNode), problems
    return node


HEAD = "docker_image: i\nresource_flavor: {}\n"


def problems(flavor: Flavor, job: str, *maximums: str) -> list[Problem]:
    """The problems of a job under the maximums of several rules."""
    guards = NONE
    for index, text in enumerate(maximums):
        guards = read_guards.combine(guards, read_guards.team_guards(f"the team `t{index}`", tree(f"max: {text}")))
    node = tree(HEAD.format(flavor.name) + ("" if job == "{}" else job))
    model = job_model.make_job("a", flavor, node, {})
    return list(limits.check(model, node, Cluster(), guards, SUGGESTIONS, Position("flow.yaml", 1, 1), ("jobs", "a")))


def messages(flavor: Flavor, job: str, *maximums: str) -> list[str]:
    return [f"{one.message} -- {one.hint}" for one in problems(flavor, job, *maximums)]


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
        ("sidecars: [{name: s, resources: {requests: {cpu: 2}, limits: {cpu: 1}}}]", "3"),
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
    assert messages(SMALL, job, f"{{cpu: {cpu}}}") == []
    (problem,) = messages(SMALL, job, "{cpu: 900m}")
    assert f"cpu {cpu} (at most 900m)" in problem


def test_memory_is_summed() -> None:
    (problem,) = messages(SMALL, f"sidecars: [{side('1')}]", "{memory: 1Gi}")
    assert "the flavor `small` with the job's other containers exceeds the maximum" in problem
    assert "memory 1.5Gi (at most 1Gi)" in problem


def test_strictest_maximum_is_reported() -> None:
    assert messages(LARGE, "{}", "{cpu: 2, memory: 8Gi}", "{cpu: 3, memory: 4Gi}") == [
        "the flavor `large` exceeds the maximum of the team `t0`: cpu 4 (at most 2) -- use the flavor `small`;"
        " the maximum is set in prod.yaml:1",
        "the flavor `large` exceeds the maximum of the team `t1`: memory 16Gi (at most 4Gi) -- use the flavor `small`;"
        " the maximum is set in prod.yaml:1",
    ]


def test_maximum_is_checked_after_the_replacement() -> None:
    dev = "version: 1\nflavors: {max: {gpu: 0, cpu: 8}, replace: {card: large}}\n"
    flow = PIPELINE.replace("small", "card")
    assert (
        MINIMAL.with_files(environments__dev=dev, pipelines__team__flow=flow).pipeline().jobs[0].flavor.name == "large"
    )
    dev = "version: 1\nflavors: {max: {gpu: 0, cpu: 8}}\n"
    found = MINIMAL.with_files(environments__dev=dev, pipelines__team__flow=flow)
    assert found.problems() == ["over-ceiling flow.yaml:2:59 defaults.resource_flavor"]
    assert (
        "gpu 1 (at most 0) -- use the flavor `large`; the maximum is set in configs/platform/environments/dev.yaml:2"
        in (found.messages())
    )


def positions(job: str, *maximums: str) -> list[str]:
    return [f"{one.line}:{one.column} {one.path}" for one in problems(SMALL, job, *maximums)]


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
def test_overlay_is_reported_if_it_is_the_cause(job: str, place: str) -> None:
    column, path = place.split(" ")
    assert positions(job, "{cpu: 2}") == [f"3:{column} jobs.a.pod.spec.{path}.cpu"]
    (message,) = messages(SMALL, job, "{cpu: 2}")
    assert "with this value, the job's pod exceeds the maximum of the team `t0`: cpu" in message
    assert message.endswith("-- lower it; the maximum is set in prod.yaml:1")
    assert positions(job, "{cpu: 9}") == []


def test_overlay_is_the_cause_if_no_flavor_fits() -> None:
    job = "pod: {spec: {containers: [{name: base, resources: {limits: {cpu: 8}}}]}}"
    (message,) = messages(LARGE, job, "{cpu: 2}")
    assert "with this value, the job's pod exceeds the maximum" in message
    (message,) = messages(LARGE, "pod: {spec: {overhead: {cpu: 1}}}", "{cpu: 2}")
    assert "the flavor `large` with what `pod` adds exceeds the maximum of the team `t0`: cpu 5" in message
    assert "use the flavor `small`" in message


def test_overlay_that_moves_a_container_is_reported() -> None:
    job = f"init_containers: [{side('2')}]\npod: {{spec: {{initContainers: [{{name: s, restartPolicy: Always}}]}}}}"
    assert positions(job, "{cpu: 2}") == ["4:6 jobs.a.pod"]


def test_each_maximum_is_reported_where_it_is_exceeded() -> None:
    job = "pod: {spec: {overhead: {cpu: 8}}}"
    assert positions(job, "{cpu: 2, memory: 512Mi}") == [
        "3:30 jobs.a.pod.spec.overhead.cpu",
        "2:18 jobs.a.resource_flavor",
    ]


@pytest.mark.parametrize("name", ["nvidia.com/mig-7g.80gb", "nvidia.com/gpu.shared", "amd.com/gpu"])
def test_gpus_count_under_any_resource_name(name: str) -> None:
    job = f"pod: {{spec: {{containers: [{{name: base, resources: {{limits: {{{name}: 2}}}}}}]}}}}"
    (message,) = messages(SMALL, job, "{gpu: 1}")
    assert "gpu 2 (at most 1)" in message
    assert messages(SMALL, job, "{gpu: 2}") == []
    assert messages(SMALL, job, "{cpu: 2}") == []


def test_claimed_devices_cannot_be_counted() -> None:
    job = "pod: {spec: {resourceClaims: [{name: g, resourceClaimTemplateName: eight}]}}"
    (message,) = messages(SMALL, job, "{gpu: 4}")
    assert "`resourceClaims` cannot be counted against the maximum of the team `t0`: gpu (at most 4)" in message
    assert positions(job, "{gpu: 4}") == ["3:31 jobs.a.pod.spec.resourceClaims[0]"]
    assert positions(job, "{cpu: 4}") == positions(job, "{gpu: 4}")
    assert positions("pod: {spec: {resourceClaims: [{name: g, $patch: delete}]}}", "{gpu: 4}") == []


@pytest.mark.parametrize(
    ("job", "place", "who"),
    [
        ("sidecars: [{name: s}]", "3:12 jobs.a.sidecars[0]", "the container `s`"),
        ("init_containers: [{name: s}]", "3:19 jobs.a.init_containers[0]", "the container `s`"),
        (
            "sidecars: [{name: s, resources: {requests: {cpu: 1}, limits: {cpu: 0}}}]",
            "3:68 jobs.a.sidecars[0].resources.limits.cpu",
            "the container `s`",
        ),
        ("pod: {spec: {containers: [{name: s}]}}", "3:27 jobs.a.pod.spec.containers[0]", "the container `s`"),
        (
            "pod: {spec: {containers: [{name: base, resources: null}]}}",
            "3:51 jobs.a.pod.spec.containers[0].resources",
            "the job's own container",
        ),
        (
            "pod: {spec: {containers: [{name: base, image: i, $patch: replace}]}}",
            "3:27 jobs.a.pod.spec.containers[0]",
            "the job's own container",
        ),
        (
            "pod: {spec: {containers: [{name: base, resources: {limits: {cpu: null}}}]}}",
            "3:66 jobs.a.pod.spec.containers[0].resources.limits.cpu",
            "the job's own container",
        ),
    ],
)
def test_every_container_needs_a_limit_under_a_maximum(job: str, place: str, who: str) -> None:
    (message,) = messages(SMALL, job, "{cpu: 4}")
    assert f"{who} has no limit for `cpu`, but the team `t0` sets a maximum" in message
    assert positions(job, "{cpu: 4}") == [place]
    assert positions(job, "{gpu: 4}") == []


def test_flavor_without_a_limit_is_reported_at_the_flavor() -> None:
    flavor = Flavor(name="open", requests={"cpu": "1"}, limits={"memory": "1Gi"})
    (message,) = messages(flavor, "{}", "{cpu: 4, memory: 4Gi}")
    assert "no limit for `cpu`, but the team `t0` sets a maximum -- use a flavor that sets `cpu`" in message


@pytest.mark.parametrize(
    "name", ["hugepages-2Mi", "gpu.intel.com/sriov", "aliyun.com/gpu-mem", "example.com/fpga", "nvidia.com/gpumem"]
)
def test_unknown_resource_is_allowed_by_name(name: str) -> None:
    job = f"pod: {{spec: {{containers: [{{name: base, resources: {{limits: {{{name}: 2}}}}}}]}}}}"
    (message,) = messages(SMALL, job, "{cpu: 4}")
    assert f"the pod requests `{name}`, which is not listed in `max`" in message
    assert positions(job, "{cpu: 4}") == [
        f"3:{61 + len(name) + 2} jobs.a.pod.spec.containers[0].resources.limits.{name}"
    ]
    assert messages(SMALL, job, f"{{{name}: 2}}") == []
    (message,) = messages(SMALL, job, f"{{{name}: 1}}")
    assert f"{name} 2 (at most 1)" in message
    # One `max` that lists it is enough; the lowest that lists it applies.
    assert messages(SMALL, job, "{cpu: 4}", f"{{{name}: 2}}") == []
    assert len(messages(SMALL, job, f"{{{name}: 4}}", f"{{{name}: 1}}")) == 1


@pytest.mark.parametrize("name", ["nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/xe", "nvidia.com/mig-1g.5gb"])
def test_gpus_need_no_entry(name: str) -> None:
    job = f"sidecars: [{{name: s, resources: {{limits: {{{name}: 2}}}}}}]"
    assert messages(SMALL, job, "{gpu: 2}") == []
    assert "gpu 2 (at most 1)" in messages(SMALL, job, "{gpu: 1}")[0]


def test_gpus_of_a_flavor_count_as_built() -> None:
    flavor = Flavor(name="eight", limits={"nvidia.com/gpu": "1", "cpu": "1", "memory": "1Gi"}, gpu_count=8)
    assert "gpu 8 (at most 4)" in messages(flavor, "{}", "{gpu: 4}")[0]


def test_xcom_sidecar_counts() -> None:
    assert messages(SMALL, "output: json", "{cpu: 1001m, memory: 1034Mi}") == []
    (message,) = messages(SMALL, "output: json", "{cpu: 1}")
    assert "the flavor `small` with Airflow's container for the output exceeds the maximum" in message
    assert "cpu 1.001 (at most 1)" in message


def test_overlay_is_reported_in_the_file_that_sets_it() -> None:
    dev = "version: 1\nflavors: {max: {cpu: 2}}\n"
    heavy = """\
        version: 1
        presets:
          heavy:
            pod: {spec: {containers: [{name: base, resources: {limits: {cpu: 8}}}]}}
    """
    flow = PIPELINE + "jobs: {a: {presets: [heavy]}}\n"
    found = MINIMAL.with_files(environments__dev=dev, presets=heavy, pipelines__team__flow=flow)
    assert found.problems() == [
        "over-ceiling presets.yaml:4:70 presets.heavy.pod.spec.containers[0].resources.limits.cpu"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"aliyun.com/gpu-mem": 16, hugepages-2Mi: 4Gi, ephemeral_storage: 50Gi, nvidia.com/gpu: 0}', ""),
        ("{cpus: 1}", "unknown-key dev.yaml:2:17 flavors.max.cpus"),
        ("{example.com/fpga: many}", "bad-quantity dev.yaml:2:35 flavors.max.example.com/fpga"),
        ("{example.com/fpga: -1}", "bad-quantity dev.yaml:2:35 flavors.max.example.com/fpga"),
    ],
)
def test_max_can_list_other_resources(text: str, problem: str) -> None:
    found = MINIMAL.with_files(
        environments__dev=f"version: 1\nflavors: {{max: {text}}}\n",
        pipelines__team__flow=PIPELINE,
        flavors="version: 1\nflavors: {small: {cpu: 1, memory: 1Gi, ephemeral_storage: 1Gi}}\n",
    )
    assert found.problems() == (["broken-table flow.yaml", problem] if problem else [])
