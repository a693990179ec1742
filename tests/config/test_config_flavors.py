"""Flavors: their effect on jobs, changes by an environment, and errors."""

from __future__ import annotations

import pytest
from written import FLAVORS, Written, job, problems

from dag_factory.config.model import Flavor, Job

JOBS = "jobs: {a: {}}"


def job_with_flavor(flavor: str, own: str = "{}", environment: str = "") -> Job:
    return (
        Written(
            f"jobs: {{a: {own}}}",
            flavors=f"version: 1\npools: {{gpu: 2}}\nflavors: {{small: {flavor}, other: {{cpu: 9}}}}\n",
            environments={"dev": f"version: 1\n{environment}\n"},
        )
        .built()
        .jobs[0]
    )


def problems_of(text: str, pipeline: str = JOBS, environment: str = "") -> list[str]:
    return Written(
        pipeline, flavors=f"version: 1\n{text}\n", environments={"dev": f"version: 1\n{environment}\n"}
    ).problems()


def messages(text: str, pipeline: str = JOBS, environment: str = "") -> str:
    return Written(
        pipeline, flavors=f"version: 1\n{text}\n", environments={"dev": f"version: 1\n{environment}\n"}
    ).said()


def test_requests_equal_limits_by_default() -> None:
    found = job_with_flavor(
        "{cpu: 2, memory: 4Gi, ephemeral_storage: 9Gi, requests: {cpu: 500m}, limits: {memory: 8Gi}}"
    ).flavor
    assert found.requests == {"cpu": "500m", "memory": "4Gi", "ephemeral-storage": "9Gi"}
    assert found.limits == {"cpu": "2", "memory": "8Gi", "ephemeral-storage": "9Gi"}


@pytest.mark.parametrize("cpu", ["0.5", "1.0", "500m", "2"])
def test_quantities_keep_their_text(cpu: str) -> None:
    assert job_with_flavor(f"{{cpu: {cpu}}}").flavor.limits == {"cpu": cpu}


def test_gpu_is_a_request_and_a_limit_of_its_resource() -> None:
    assert (
        job_with_flavor("{gpu: 2}").flavor.limits
        == job_with_flavor("{gpu: 2}").flavor.requests
        == {"nvidia.com/gpu": "2"}
    )
    amd = job_with_flavor("{gpu: {count: 1, resource: amd.com/gpu}}").flavor
    assert (amd.gpu_count, amd.gpu_resource, amd.limits) == (1, "amd.com/gpu", {"amd.com/gpu": "1"})
    assert job_with_flavor("{gpu: 0, cpu: 1}").flavor.limits == {"cpu": "1"}


def test_other_keys_of_a_size() -> None:
    found = job_with_flavor("{shm: 8Gi, cost_per_hour: 0.5, pool: gpu}")
    assert found.flavor == Flavor(name="small", shm="8Gi", cost_per_hour=0.5, pool="gpu")
    assert job_with_flavor("{cpu: 1, next: other}").flavor.next == "other"
    assert found.pool == "gpu"


def test_keys_of_a_flavor_are_defaults_of_its_jobs() -> None:
    found = job_with_flavor(
        "{node_selector: {pool: a100}, tolerations: [{key: k}], env: {A: 1, B: 1}}", "{env: {B: 2}}"
    )
    assert (found.node_selector, found.tolerations) == ({"pool": "a100"}, ({"key": "k"},))
    assert [(each.name, each.value) for each in found.env] == [("A", "1"), ("B", "2")]


def test_environment_defines_and_replaces_flavors() -> None:
    found = job_with_flavor(
        "{cpu: 1, memory: 1Gi, tolerations: [{key: k}]}",
        environment="flavors: {define: {small: {cpu: 2, tolerations: null}}}",
    )
    assert found.flavor.limits == {"cpu": "2", "memory": "1Gi"}
    assert found.tolerations == ()
    assert job_with_flavor("{cpu: 1}", environment="flavors: {replace: {small: other}}").flavor.name == "other"


def test_flavor_is_replaced_once() -> None:
    environment = "flavors: {replace: {small: other, other: small}}"
    assert job_with_flavor("{cpu: 1}", environment=environment).flavor.name == "other"


def test_environment_may_define_a_new_flavor() -> None:
    assert (
        job_with_flavor("{cpu: 1}", "{resource_flavor: tiny}", "flavors: {define: {tiny: {cpu: 10m}}}").flavor.name
        == "tiny"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flavors: {small: {cpu: lots}}", "bad-quantity flavors.yaml:2:24 flavors.small.cpu"),
        ("flavors: {small: {cpu: .inf}}", "bad-quantity flavors.yaml:2:24 flavors.small.cpu"),
        ("flavors: {small: {memory: 512}}", "bad-quantity flavors.yaml:2:27 flavors.small.memory"),
        ("flavors: {small: {gpu: many}}", "bad-gpu flavors.yaml:2:24 flavors.small.gpu"),
        ("flavors: {small: {cpus: 1}}", "unknown-key flavors.yaml:2:19 flavors.small.cpus"),
        ("flavors: {small: 5}", "wrong-type flavors.yaml:2:18 flavors.small"),
        ("flavors: {small: {cpu: 1}, small: {cpu: 2}}", "duplicate-key flavors.yaml:2:28 flavors.small"),
        ("flavors: {small: {next: smal}}", "unknown-flavor flavors.yaml:2:25 flavors.small.next"),
        ("flavors: {small: {next: small}}", "flavor-loop flavors.yaml:2:25 flavors.small.next"),
        ("flavors: {small: {pool: gup}}", "unknown-pool flavors.yaml:2:25 flavors.small.pool"),
        (
            "flavors: {small: {requests: {cpu: 2}, limits: {cpu: 1}}}",
            "request-over-limit flavors.yaml:2:35 flavors.small.requests.cpu",
        ),
        ("flavors: {small: {cpu: '${{ vars.x }}'}}", "undefined-name flavors.yaml:2:24 flavors.small.cpu"),
        ("flavors: {small: {gpu: '${{ vars }}'}}", "missing-key flavors.yaml:2:24 flavors.small.gpu"),
        ("flavors: {small: {cpu: '${{ 1 - 2 }}'}}", "bad-quantity flavors.yaml:2:24 flavors.small.cpu"),
    ],
)
def test_flavor_with_an_error_affects_only_its_jobs(text: str, expected: str) -> None:
    others = text.removesuffix("}") + ", fine: {cpu: 1}}"
    assert problems_of(others) == ["broken-flavor 0:50 defaults.resource_flavor", expected]
    assert problems_of(others, "jobs: {a: {resource_flavor: fine}}") == [expected]


def test_name_with_a_dot_is_not_confused_with_another() -> None:
    text = "flavors: {cpu.small: {cpu: lots}, cpu: {cpu: 1}, small: {cpu: 1}}"
    assert problems_of(text, "jobs: {a: {resource_flavor: cpu}}") == [
        "bad-quantity flavors.yaml:2:28 flavors.cpu.small.cpu"
    ]
    assert len(problems_of(text, "jobs: {a: {resource_flavor: cpu.small}}")) == 2


def test_loop_is_reported_once() -> None:
    text = "flavors: {small: {next: b}, b: {next: c}, c: {next: b}, d: {cpu: 1}}"
    assert "b -> c -> b" in messages(text, "jobs: {a: {resource_flavor: d}}")
    assert problems_of(text, "jobs: {a: {resource_flavor: d}}") == ["flavor-loop flavors.yaml:2:53 flavors.c.next"]


def test_unknown_flavor() -> None:
    assert problems("jobs: {a: {resource_flavor: smal}}") == ["unknown-flavor 1:29 jobs.a.resource_flavor"]
    assert messages("flavors: {small: {}, b: {}}", "jobs: {a: {resource_flavor: smal}}").endswith(
        "did you mean `small`?"
    )
    assert problems("jobs: {a: {resource_flavor: null}}") == ["missing-key 1:8 jobs.a.resource_flavor"]


def test_unknown_flavor_in_an_environment_is_an_error() -> None:
    found = problems_of("flavors: {small: {cpu: 1}}", environment="flavors: {replace: {smal: small, small: larg}}")
    assert found[1:] == [
        "unknown-flavor dev.yaml:2:21 flavors.replace.smal",
        "unknown-flavor dev.yaml:2:41 flavors.replace.small",
    ]
    assert found[0].startswith("broken-table")


SIZES = """flavors:
  small: {cpu: 4, memory: 16Gi}
  tiny: {cpu: 1, memory: 1Gi}
  card: {cpu: 2, memory: 8Gi, gpu: 1}
  cards: {cpu: 8, memory: 64Gi, gpu: 8}
  hidden: {cpu: 1, limits: {amd.com/gpu: 4}, requests: {amd.com/gpu: 4}}
"""


@pytest.mark.parametrize(
    ("maximum", "flavor", "over", "fits"),
    [
        ("{cpu: 2}", "small", "cpu 4 (at most 2)", "tiny"),
        ("{memory: 15Gi}", "small", "memory 16Gi (at most 15Gi)", "tiny"),
        ("{cpu: 3500m, memory: 2Gi}", "small", "cpu 4 (at most 3500m), memory 16Gi (at most 2Gi)", "tiny"),
        ("{gpu: 1}", "cards", "gpu 8 (at most 1)", "card"),
        ("{gpu: 0}", "cards", "gpu 8 (at most 0)", "small"),
        ("{gpu: 1}", "hidden", "gpu 4 (at most 1)", "card"),
    ],
)
def test_problem_names_the_exceeded_maximum_and_a_flavor_that_fits(
    maximum: str, flavor: str, over: str, fits: str
) -> None:
    pipeline, environment = f"jobs: {{a: {{resource_flavor: {flavor}}}}}", f"flavors: {{max: {maximum}}}"
    assert problems_of(SIZES, pipeline, environment) == ["over-ceiling 1:29 jobs.a.resource_flavor"]
    text = messages(SIZES, pipeline, environment)
    assert over in text
    assert f"use the flavor `{fits}`; the maximum is set in configs/platform/environments/dev.yaml" in text


def test_maximum_itself_is_allowed_and_applies_after_the_replacement() -> None:
    assert problems_of(SIZES, JOBS, "flavors: {max: {cpu: 4000m, memory: 16384Mi}}") == []
    assert problems_of(SIZES, JOBS, "flavors: {max: {cpu: 2}, replace: {small: tiny}}") == []


def test_no_flavor_fits() -> None:
    assert "no flavor fits" in messages(SIZES, JOBS, "flavors: {max: {cpu: 1m}}")


def test_pools() -> None:
    assert job("jobs: {a: {pool: gpu, pool_slots: 2}}").pool == "gpu"
    assert job("jobs: {a: {pool: default_pool, pool_slots: 200}}").pool == "default_pool"
    assert problems("jobs: {a: {pool: gup}}") == ["unknown-pool 1:18 jobs.a.pool"]
    assert problems("jobs: {a: {pool: gpu, pool_slots: 3}}") == ["pool-too-small 1:35 jobs.a.pool_slots"]
    assert Written(JOBS, flavors=FLAVORS).built().pools == {"gpu": 2}
