"""The larger flavors of a job: the chain of ``next``, within replacements, limits and lists of flavors."""

from __future__ import annotations

import pytest
from written import Written

from dag_factory.config.model import Job

TABLE = """\
version: 1
pools: {bulk: 2}
flavors:
  small: {cpu: 1, memory: 2Gi, cost_per_hour: 0.1, next: medium}
  medium: {cpu: 4, memory: 16Gi, cost_per_hour: 0.4, next: large}
  large: {cpu: 16, memory: 64Gi, cost_per_hour: 1.6}
  spot:
    cpu: 1
    memory: 2Gi
    node_selector: {kind: spot}
    tolerations: [{key: spot, operator: Exists}]
    next: steady
  steady: {cpu: 4, memory: 16Gi, node_selector: {kind: steady}, env: {THREADS: 4}, shm: 1Gi}
"""
CLIMBS = "retries: {retries: 2, on: [{reason: OOMKilled, then: next_flavor}]}"
JOBS = f"jobs: {{a: {{{CLIMBS}}}}}"


def written(jobs: str = JOBS, environment: str = "", teams: str = "") -> Written:
    files = {"platform/teams.yaml": f"version: 1\nteams: {{team: {teams}}}\n"} if teams else {}
    return Written(jobs, flavors=TABLE, environments={"dev": f"version: 1\n{environment}\n"}, files=files)


def chain(job: Job) -> list[str]:
    return [one.flavor.name for one in job.larger_flavors]


def test_the_chain_of_next() -> None:
    job = written().built().jobs[0]
    assert (chain(job), job.largest_because) == (["medium", "large"], "")
    assert [one.flavor.limits["memory"] for one in job.larger_flavors] == ["16Gi", "64Gi"]
    assert all(one.job is None for one in job.larger_flavors)  # only the flavor differs


def test_no_chain_without_a_rule_that_uses_it() -> None:
    assert chain(written("jobs: {a: {retries: 2}}").built().jobs[0]) == []
    assert chain(written(f"jobs: {{a: {{resource_flavor: large, {CLIMBS}}}}}").built().jobs[0]) == []


def test_a_flavor_that_sets_more_than_resources_gives_a_whole_job() -> None:
    job = written(f"jobs: {{a: {{resource_flavor: spot, {CLIMBS}, env: {{A: 1}}}}}}").built().jobs[0]
    (larger,) = job.larger_flavors
    assert larger.job is not None
    assert (larger.job.name, larger.job.flavor) == ("a", larger.flavor)
    assert (job.node_selector, larger.job.node_selector) == ({"kind": "spot"}, {"kind": "steady"})
    assert (len(job.tolerations), larger.job.tolerations) == (1, ())
    assert sorted(one.name for one in larger.job.env) == ["A", "THREADS"]
    assert larger.job.flavor.shm == "1Gi"
    assert larger.job.retries == job.retries


def test_the_environment_replaces_flavors_of_the_chain() -> None:
    job = written(environment="flavors: {replace: {medium: large}}").built().jobs[0]
    assert chain(job) == ["large"]
    smaller = written(environment="flavors: {replace: {medium: small}}").built().jobs[0]
    assert (chain(smaller), smaller.largest_because) == (
        [],
        "`small`, which replaces `medium` here, does not have more memory",
    )


def test_the_environment_defines_a_flavor_of_the_chain() -> None:
    job = written(environment="flavors: {define: {medium: {memory: 20Gi}}}").built().jobs[0]
    assert job.larger_flavors[0].flavor.limits["memory"] == "20Gi"


@pytest.mark.parametrize(
    ("environment", "teams", "usable", "because"),
    [
        ("flavors: {max: {cpu: 8, memory: 32Gi}}", "", ["medium"], "the flavor `large` exceeds the maximum of"),
        ("flavors: {max: {cpu: 1, memory: 2Gi}}", "", [], "the flavor `medium` exceeds the maximum of"),
        ("", "{flavors: [small, medium]}", ["medium"], "may not use the flavor `large`"),
        ("", "{max: {memory: 4Gi}}", [], "the flavor `medium` exceeds the maximum of"),
    ],
)
def test_the_chain_ends_at_a_limit(environment: str, teams: str, usable: list[str], because: str) -> None:
    project = written(environment=environment, teams=teams)
    job = project.compiled().pipelines[0].jobs[0]
    assert chain(job) == usable
    assert because in job.largest_because
    if usable:
        assert project.problems() == []
    else:
        assert project.problems() == ["next-flavor-unused 0:33 defaults.resource_flavor"]
        assert because in project.said()


def test_a_rule_that_climbs_needs_retries() -> None:
    without = written("jobs: {a: {retries: {on: [{reason: OOMKilled, then: next_flavor}]}}}")
    assert without.problems() == ["next-flavor-unused 1:12 jobs.a.retries"]
    assert "the job has no retries" in without.said()
    assert chain(without.compiled().pipelines[0].jobs[0]) == []


def test_a_container_whose_memory_the_overlay_sets_does_not_climb() -> None:
    overlay = "pod: {spec: {containers: [{name: base, resources: {limits: {memory: 1Gi}, requests: {memory: 1Gi}}}]}}"
    job = written(f"jobs: {{a: {{{CLIMBS}, {overlay}}}}}").built().jobs[0]
    assert (chain(job), job.largest_because) == ([], "`pod` sets the memory of the container")


@pytest.mark.parametrize(
    ("flavors", "problem"),
    [
        ("a: {cpu: 1, memory: 1Gi, next: b}, b: {memory: 2Gi, pool: bulk}", "next-in-other-pool"),
        ("a: {cpu: 1, memory: 4Gi, next: b}, b: {memory: 4Gi}", "next-not-larger"),
    ],
)
def test_warnings_about_next_do_not_break_the_flavor(flavors: str, problem: str) -> None:
    table = f"version: 1\npools: {{bulk: 2}}\nflavors: {{{flavors}}}\n"
    project = Written("jobs: {j: {resource_flavor: a}}", flavors=table)
    assert project.problems() == [f"{problem} flavors.yaml:3:42 flavors.a.next"]
    assert len(project.compiled().pipelines) == 1


def test_the_pool_stays_that_of_the_job() -> None:
    table = TABLE.replace("{cpu: 16, memory: 64Gi,", "{cpu: 16, memory: 64Gi, pool: bulk,")
    project = Written(JOBS, flavors=table)
    job = project.compiled().pipelines[0].jobs[0]
    assert [(one.flavor.name, one.flavor.pool) for one in job.larger_flavors] == [("medium", None), ("large", None)]
