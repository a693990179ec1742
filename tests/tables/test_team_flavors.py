"""A team's list of flavors limits the whole pod, whichever file sets it."""

from __future__ import annotations

import pytest
from table_project import Project

FLAVORS = """\
version: 1
flavors:
  small: {cpu: 1, memory: 1Gi}
  large: {cpu: 8, memory: 32Gi, node_selector: {pool: general}}
  huge: {cpu: 32, memory: 256Gi, limits: {example.com/fpga: 2}}
  card:
    cpu: 4
    memory: 16Gi
    gpu: 1
    node_selector: {pool: gpu, zone: a}
    tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
"""
HEAD = "version: 1\ndefaults: {docker_image: i, resource_flavor: small}\njobs:\n  a:\n"
TEAMS = "version: 1\nteams:\n  growth: {flavors: [small, large]}\n"


def project(job: str, teams: str = TEAMS, **files: str) -> Project:
    flow = HEAD + "".join(f"    {line}\n" for line in job.splitlines())
    base = Project({"flavors": FLAVORS, "environments/dev": "version: 1\n", "teams": teams})
    return base.with_files(pipelines__growth__flow=flow, **files)


BASE = "pod: {{spec: {{containers: [{{name: base, resources: {{limits: {{{}}}}}}}]}}}}"
SIDECAR = "sidecars: [{{name: s, image: i, resources: {{limits: {{cpu: {}, memory: 1Gi}}}}}}]"


@pytest.mark.parametrize(
    "job",
    [
        "output: json",
        "resource_flavor: large\noutput: json",  # Airflow's own container does not count for the list
        SIDECAR.format(7),
        BASE.format("cpu: 8"),
        "node_selector: {zone: b}\ntolerations: [{key: spot, operator: Exists}]",
        "node_selector: {pool: general}",
    ],
)
def test_amounts_of_the_largest_flavor_are_allowed(job: str) -> None:
    assert not project(job).problems()


@pytest.mark.parametrize(
    ("job", "problem", "message"),
    [
        (
            BASE.format("cpu: 32"),
            "over-ceiling flow.yaml:5:70 jobs.a.pod.spec.containers[0].resources.limits.cpu",
            "with this value, the job's pod requests more than any flavor that the team `growth` may use: "
            "cpu 32 (at most 8) -- lower it; these flavors are listed in configs/platform/teams.yaml:3",
        ),
        (
            SIDECAR.format(8),
            "over-ceiling flow.yaml:2:46 defaults.resource_flavor",
            "the flavor `small` with the job's other containers requests more than any flavor that the team"
            " `growth` may use: cpu 9 (at most 8) -- no flavor fits; these flavors are listed in",
        ),
        (
            BASE.format("nvidia.com/gpu: 1"),
            "over-ceiling flow.yaml:5:81 jobs.a.pod.spec.containers[0].resources.limits.nvidia.com/gpu",
            "gpu 1 (at most 0)",
        ),
        (
            BASE.format("example.com/fpga: 1"),
            "resource-not-allowed flow.yaml:5:83 jobs.a.pod.spec.containers[0].resources.limits.example.com/fpga",
            "the pod requests `example.com/fpga`, which no flavor that the team `growth` may use provides",
        ),
        (
            "sidecars: [{name: s, image: i}]",
            "missing-limit flow.yaml:5:16 jobs.a.sidecars[0]",
            "the container `s` has no limit for `cpu` and `memory`",
        ),
        (
            "node_selector: {pool: gpu}",
            "node-not-allowed flow.yaml:5:27 jobs.a.node_selector.pool",
            "the pod selects the node label `pool: gpu`, which is for flavors that the team `growth` may not use",
        ),
        (
            "pod: {spec: {nodeSelector: {pool: gpu}}}",
            "node-not-allowed flow.yaml:5:39 jobs.a.pod.spec.nodeSelector.pool",
            "the pod selects the node label `pool: gpu`",
        ),
        (
            "tolerations: [{operator: Exists}]",
            "node-not-allowed flow.yaml:5:19 jobs.a.tolerations[0]",
            "the pod tolerates the taint `nvidia.com/gpu`",
        ),
        (
            "pod: {spec: {tolerations: [{key: nvidia.com/gpu, value: 'true', effect: NoSchedule}]}}",
            "node-not-allowed flow.yaml:5:32 jobs.a.pod.spec.tolerations[0]",
            "the pod tolerates the taint `nvidia.com/gpu`",
        ),
        (
            "pod: {spec: {nodeName: gpu-1}}",
            "node-not-allowed flow.yaml:5:28 jobs.a.pod.spec.nodeName",
            "the pod bypasses the scheduler with `nodeName: gpu-1`, but the flavors of the team `growth` choose",
        ),
        (
            "node_selector: {kubernetes.io/hostname: gpu-1}",
            "node-not-allowed flow.yaml:5:45 jobs.a.node_selector.kubernetes.io/hostname",
            "the pod chooses the node `gpu-1`, but the flavors of the team `growth` choose the nodes",
        ),
        (
            "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution:"
            " {nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [gpu]}]}]}}}",
            "node-not-allowed flow.yaml:5:120 jobs.a.affinity.nodeAffinity."
            "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]",
            "the pod selects or prefers the node label `pool: gpu`",
        ),
    ],
)
def test_pod_cannot_exceed_the_flavors_of_the_list(job: str, problem: str, message: str) -> None:
    found = project(job)
    assert found.problems() == [problem]
    assert message in found.messages()


@pytest.mark.parametrize(
    ("expression", "reaches"),
    [
        ("operator: In, values: [general, gpu]", True),
        ("operator: In, values: [general]", False),
        ("operator: NotIn, values: [general]", True),
        ("operator: NotIn, values: [general, gpu]", False),
        ("operator: Exists", True),
        ("operator: DoesNotExist", False),
    ],
)
def test_node_affinity_reaches_nodes_that_it_does_not_exclude(expression: str, reaches: bool) -> None:
    affinity = (
        "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution:"
        f" [{{weight: 1, preference: {{matchExpressions: [{{key: pool, {expression}}}]}}}}]}}}}"
    )
    assert [one.split()[0] for one in project(affinity).problems()] == ["node-not-allowed"] * reaches


@pytest.mark.parametrize(("operator", "named"), [("In", True), ("NotIn", False)])
def test_node_affinity_must_not_name_a_node(operator: str, named: bool) -> None:
    expression = f"{{key: kubernetes.io/hostname, operator: {operator}, values: [gpu-1]}}"
    affinity = (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution:"
        f" {{nodeSelectorTerms: [{{matchExpressions: [{expression}]}}]}}}}}}"
    )
    assert [one.split()[0] for one in project(affinity).problems()] == ["node-not-allowed"] * named


def test_flavor_that_is_not_listed_is_reported_once() -> None:
    assert project("resource_flavor: card").problems() == ["flavor-not-allowed flow.yaml:5:22 jobs.a.resource_flavor"]


def test_max_overrides_the_list_for_its_resources() -> None:
    teams = TEAMS.replace("large]", "large], max: {cpu: 16}")
    assert not project(BASE.format("cpu: 16"), teams).problems()
    assert "cpu 17 (at most 16)" in project(BASE.format("cpu: 17"), teams).messages()
    assert "memory 64Gi (at most 32Gi)" in project(BASE.format("memory: 64Gi"), teams).messages()


def test_maximum_of_the_environment_also_applies() -> None:
    dev = "version: 1\nflavors: {max: {cpu: 4, example.com/fpga: 8}}\n"
    assert project(BASE.format("cpu: 6"), environments__dev=dev).problems() == [
        "over-ceiling flow.yaml:5:70 jobs.a.pod.spec.containers[0].resources.limits.cpu"
    ]
    assert "no flavor that the team `growth` may use provides" in (
        project(BASE.format("example.com/fpga: 1"), environments__dev=dev).messages()
    )


def test_nodes_that_the_platform_offers_to_all_are_allowed() -> None:
    dev = "version: 1\ndefaults: {job: {tolerations: [{operator: Exists}], node_selector: {pool: gpu}}}\n"
    assert not project("output: json", environments__dev=dev).problems()


def test_platform_containers_do_not_count() -> None:
    presets = (
        "version: 1\npresets: {log: {sidecars: [{name: log, image: i, resources: {limits: {cpu: 2, memory: 2Gi}}}]}}\n"
    )
    log = "resource_flavor: large\npresets: [log]"
    assert not project(log, presets=presets).problems()
    more = "\nsidecars: [{name: log, image: i, resources: {limits: {cpu: 3, memory: 2Gi}}}]"
    assert "cpu 11 (at most 8)" in project(log + more, presets=presets).messages()
    flavors = FLAVORS.replace(
        "memory: 32Gi,", "memory: 32Gi, sidecars: [{name: log, image: i, resources: {limits: {cpu: 1, memory: 1Gi}}}],"
    )
    assert not project("resource_flavor: large", flavors=flavors).problems()


def test_hint_suggests_only_listed_flavors() -> None:
    dev = "version: 1\nflavors: {max: {cpu: 4}}\n"
    found = project("resource_flavor: large", environments__dev=dev)
    assert "use the flavor `small`" in found.messages()


def test_required_key_that_the_overlay_removes_is_missing() -> None:
    teams = (
        "version: 1\nteams:\n  growth:\n    require: [labels]\n    defaults: {job: {labels: {cost-centre: '4711'}}}\n"
    )
    assert not project("output: json", teams).problems()
    found = project("pod: {metadata: {labels: {cost-centre: null}}}", teams)
    assert found.problems() == ["required-key flow.yaml:5:30 jobs.a.pod.metadata.labels"]
    assert "`labels` is missing in the job's pod; the team `growth` requires it" in found.messages()
    assert not project("pod: {metadata: {labels: {cost-centre: null, other: x}}}", teams).problems()
