"""`limits` of environments and teams, other than the size of pods."""

from __future__ import annotations

import pytest
from table_project import FLAVORS, MINIMAL, PIPELINE, Project

DEV = "configs/platform/environments/dev.yaml"


def under(limits: str, pipeline: str, level: str = "environment") -> Project:
    """A pipeline with these keys, under limits of the environment or the team."""
    files = {"environments/dev": f"version: 1\nlimits: {limits}\n"}
    if level == "team":
        files = {"teams": "version: 1\nteams: {team: {limits: LIMITS}}\n".replace("LIMITS", limits)}
    return Project({**MINIMAL.files, **files, "pipelines/team/flow": PIPELINE + pipeline})


BOUNDS = [  # limits, a pipeline within them, one that exceeds them, and the position of the problem
    ("{retries: 3}", "jobs: {a: {retries: 3}}", "jobs: {a: {retries: 4}}", "3:21 jobs.a.retries"),
    ("{retries: 0}", "jobs: {a: {}}", "jobs: {a: {retries: {retries: 1}}}", "3:21 jobs.a.retries"),
    ("{timeout: 1h}", "jobs: {a: {timeout: 60m}}", "jobs: {a: {timeout: 1h1s}}", "3:21 jobs.a.timeout"),
    ("{priority_weight: 5}", "jobs: {a: {priority_weight: 5}}", "jobs: {a: {priority_weight: 6}}", "3:29"),
    ("{pool_slots: 1}", "jobs: {a: {pool: gpu}}", "jobs: {a: {pool: gpu, pool_slots: 2}}", "3:35 jobs.a.pool_slots"),
    ("{max_active_jobs: 4}", "max_active_jobs: 4", "max_active_jobs: 5", "3:18 max_active_jobs"),
    ("{max_active_runs: 4}", "max_active_runs: 4", "max_active_runs: 5", "3:18 max_active_runs"),
    ("{min_schedule_interval: 1h}", "schedule: '@hourly'", "schedule: '*/59 * * * *'", "3:11 schedule"),
    ("{min_schedule_interval: 1h}", "schedule: {every: 1h}", "schedule: {every: 59m}", "3:1 schedule"),
    (
        "{min_schedule_interval: 1s}",
        "schedule: null",
        "max_active_runs: 1\nschedule: '@continuous'",
        "4:11 schedule",
    ),
    (
        "{timeout: 1h}",
        "jobs: {a: {keep_pod: always, timeout: 30m, pod: {spec: {activeDeadlineSeconds: 3600}}}}",
        "jobs: {a: {keep_pod: always, timeout: 30m, pod: {spec: {activeDeadlineSeconds: 3601}}}}",
        "3:80 jobs.a.pod.spec.activeDeadlineSeconds",
    ),
    (
        "{timeout: 1h}",
        "jobs: {a: {pod: {spec: {terminationGracePeriodSeconds: 60}}}}",
        "jobs: {a: {pod: {spec: {activeDeadlineSeconds: null}}}}",
        "3:48 jobs.a.pod.spec.activeDeadlineSeconds",
    ),
    (
        "{timeout: 1h}",
        "jobs: {a: {termination_grace: 1h}}",
        "jobs: {a: {termination_grace: 2h}}",
        "3:31 jobs.a.termination_grace",
    ),
    (
        "{gpu: 1}",
        "max_active_runs: 1\njobs: {a: {resource_flavor: card}}",
        "max_active_runs: 1\njobs: {a: {pod: {spec: {resourceClaims: [{name: c, resourceClaimName: c}]}}}}",
        "4:1 jobs",
    ),
    (
        "{min_schedule_interval: 1h}",
        'schedule: {assets: {all: ["s3://b/x", "s3://b/y"]}}\njobs: {a: {outlets: ["s3://b/x"]}}',
        'schedule: {assets: {any: ["s3://b/x", "s3://b/y"]}}\njobs: {a: {outlets: ["s3://b/x"]}}',
        "3:1 schedule",
    ),
    (
        "{gpu: 1}",
        "max_active_runs: 1\njobs: {a: {resource_flavor: card}, b: {resource_flavor: card, depends_on: [a]}}",
        "max_active_runs: 1\njobs: {a: {resource_flavor: card}, b: {resource_flavor: card}}",
        "4:1 jobs",
    ),
]


@pytest.mark.parametrize("level", ["environment", "team"])
@pytest.mark.parametrize(("limits", "good", "bad", "place"), BOUNDS)
def test_bound(limits: str, good: str, bad: str, place: str, level: str) -> None:
    assert under(limits, good + "\n", level).problems() == []
    (problem,) = under(limits, bad + "\n", level).problems()
    assert problem.startswith(f"over-limit flow.yaml:{place}")
    assert under("{}", bad + "\n", level).problems() == []


def test_breach_names_the_rule_and_its_position() -> None:
    assert under("{retries: 3}", "jobs: {a: {retries: 4}}\n").messages() == (
        f"`retries: 4` exceeds the limit of the environment `dev`, 3 -- set `retries` to at most 3; see {DEV}:2"
    )
    assert under("{min_schedule_interval: 1h}", "schedule: '*/5 * * * *'\n").messages() == (
        "the schedule starts a run every 5m; the environment `dev` allows at most one run every 1h "
        f"-- run it less often; see {DEV}:2"
    )


def test_lowest_limit_applies() -> None:
    teams = "version: 1\nteams:\n  team: {limits: {retries: 2, timeout: 3h, min_schedule_interval: 2h}}\n"
    flow = PIPELINE + "schedule: '@hourly'\njobs: {a: {retries: 9, timeout: 9h}}\n"
    project = under("{retries: 3, timeout: 2h, min_schedule_interval: 1h}", "")
    message = Project({**project.files, "teams": teams, "pipelines/team/flow": flow}).messages()
    assert "`retries: 9` exceeds the limit of the team `team`, 2" in message
    assert "`timeout: 9h` exceeds the limit of the environment `dev`, 2h" in message
    flow = flow.replace("retries: 9, timeout: 9h", "")
    message = Project({**project.files, "teams": teams, "pipelines/team/flow": flow}).messages()
    assert "the team `team` allows at most one run every 2h" in message


def test_unset_keys_get_the_limit() -> None:
    built = under(
        "{timeout: 90m, max_active_jobs: 3, max_active_runs: 2}", "jobs: {a: {}, b: {timeout: 1h}}\n"
    ).pipeline()
    assert [job.timeout for job in built.jobs] == [5400, 3600]
    assert (built.max_active_jobs, built.max_active_runs) == (3, 2)


def test_default_timeout_comes_from_the_environment() -> None:
    dev = "version: 1\nlimits: {timeout: 1d}\ndefaults: {job: {timeout: 1h}}\n"
    (job,) = MINIMAL.with_files(environments__dev=dev).pipeline().jobs
    assert job.timeout == 3600


def test_no_schedule_is_too_frequent_without_schedules() -> None:
    dev = "version: 1\nschedules: manual\nlimits: {min_schedule_interval: 1d}\n"
    flow = PIPELINE + "schedule: '* * * * *'\n"
    assert MINIMAL.with_files(environments__dev=dev, pipelines__team__flow=flow).problems() == []


GPUS = [  # keys of the pipeline, its jobs, and the GPUs that they can use at once
    ("max_active_runs: 1", "{a: {}, b: {}, c: {}}", 3),
    ("max_active_runs: 2", "{a: {}, b: {}}", 4),
    ("", "{a: {}}", 16),  # Airflow's default number of runs
    ("max_active_runs: 1", "{a: {}, b: {depends_on: [a]}, c: {depends_on: [b]}, d: {depends_on: [a]}}", 2),
    ("max_active_runs: 1\nmax_active_jobs: 2", "{a: {}, b: {}, c: {}}", 2),
    ("max_active_runs: 1\nmax_active_jobs: 2", "{a: {deferrable: true}, b: {}, c: {}}", 3),
    ("max_active_runs: 1", "{a: {for_each: {as: X, list: [x, y, z]}}}", 3),
    ("max_active_runs: 1", "{a: {for_each: {as: X, list: [x, y, z], max_parallel: 2}}}", 2),
    ("max_active_runs: 1", "{a: {matrix: {x: [1, 2, 3, 4]}}}", 4),
    (
        "max_active_runs: 1\ngroups: {g: {for_each: {list: [x, y, z]}}}",
        "{a: {group: g}, b: {group: g, depends_on: [a]}, c: {depends_on: [b]}}",
        3,
    ),
    (
        "max_active_runs: 1\ngroups: {g: {for_each: {list: [x, y, z]}}}",
        "{p: {resource_flavor: small, group: g}, a: {group: g, depends_on: [p]}, b: {group: g, depends_on: [a]}}",
        3,
    ),
    ("max_active_runs: 1", "{a: {}, b: {depends_on: [a], trigger_rule: always}}", 2),
    ("max_active_runs: 1", "{a: {}, b: {}, c: {depends_on: [a, b], trigger_rule: one_success}}", 3),
    ("max_active_runs: 1", "{a: {}, b: {depends_on: [a], trigger_rule: one_success}}", 1),
    ("max_active_runs: 1", "{a: {}, b: {depends_on: [a], trigger_rule: all_done}}", 1),
    (  # one item is at `a` while another is at `b`
        "max_active_runs: 1\ngroups: {g: {for_each: {list: [x, y, z, v], max_parallel: 2}}}",
        "{a: {group: g}, b: {group: g, depends_on: [a]}, c: {depends_on: [b]}}",
        4,
    ),
    ("max_active_runs: 1", "{a: {pod: {spec: {containers: [{name: base, resources: LIMITS}]}}}}", 3),
]


@pytest.mark.parametrize(("header", "jobs", "gpus"), GPUS)
def test_gpus_used_at_once(header: str, jobs: str, gpus: int) -> None:
    amounts = "{requests: {nvidia.com/gpu: 3}, limits: {nvidia.com/gpu: 3}}"
    flow = f"{header}\njobs: {jobs.replace('LIMITS', amounts)}\n"
    for most in (gpus, gpus - 1):
        project = under(f"{{gpu: {most}}}", flow)
        files = {**project.files, "flavors": FLAVORS, "pipelines/team/flow": project.files["pipelines/team/flow"]}
        files["pipelines/team/flow"] = files["pipelines/team/flow"].replace("small}", "card}")
        codes = [problem.split()[0] for problem in Project(files).problems()]
        assert codes == ([] if most == gpus else ["over-limit"])


def test_unlimited_instances_exceed_the_gpu_limit() -> None:
    flow = (
        "max_active_runs: 1\n"
        "jobs: {a: {output: json}, b: {depends_on: [a], resource_flavor: card, for_each: {as: X, output: a}}}\n"
    )
    found = under("{gpu: 100}", flow)
    assert "set `max_parallel` of its `for_each`" in found.messages()
    assert under("{gpu: 100}", flow + "max_active_jobs: 8\n").problems() == []


def test_group_over_a_run_time_list_exceeds_the_gpu_limit() -> None:
    flow = (
        "max_active_runs: 1\ngroups: {g: {for_each: {output: a}}}\n"
        "jobs: {a: {output: json}, b: {group: g, resource_flavor: card}}\n"
    )
    assert "set `max_parallel` of its group's `for_each`" in under("{gpu: 100}", flow).messages()
