"""``when`` and ``group``: their models and their errors."""

from __future__ import annotations

import pytest
from written import Written, built, job, problems, said


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("'{{ params.full }}'", "{{ params.full }}"),
        ("true", None),
        ("false", "false"),
        ("\"${{ environment == 'dev' }}\"", None),
        ("\"${{ environment == 'prod' }}\"", "false"),
        ("null", None),
    ],
)
def test_a_condition(text: str, when: str | None) -> None:
    assert job(f"params: {{full: true}}\njobs: {{a: {{when: {text}}}}}").when == when


def test_a_condition_is_checked_like_other_templates() -> None:
    assert problems("jobs: {a: {when: '{{ params.full }}'}}") == ["unknown-param 1:18 jobs.a.when"]
    assert problems("jobs: {a: {when: '{{ full }}'}}") == ["undefined-name 1:18 jobs.a.when"]
    assert problems("jobs: {a: {when: '{{ full'}}") == ["bad-template 1:18 jobs.a.when"]
    assert problems("jobs: {a: , b: {when: \"{{ output('a') }}\"}}") == ["not-upstream 1:23 jobs.b.when"]
    assert problems("jobs: {a: {when: '${{ vars.registry }}'}}") == ["bad-when 1:18 jobs.a.when"]


def test_a_condition_of_all_jobs() -> None:
    head = "version: 1\ndefaults: {docker_image: image, resource_flavor: small, when: '{{ true }}'}\n"
    pipeline = built("jobs: {a: , b: {when: null}}", head=head)
    assert [job.when for job in pipeline.jobs] == ["{{ true }}", None]


def test_a_group() -> None:
    pipeline = built("jobs: {a: {group: load}, b: {group: load.sales}, c: }")
    assert [job.group for job in pipeline.jobs] == ["load", "load.sales", None]


@pytest.mark.parametrize(
    ("jobs", "problem"),
    [
        ("{a: {group: b}, b: }", "group-name-taken 1:20 jobs.a.group"),
        ("{a: {group: a}}", "group-name-taken 1:20 jobs.a.group"),
        ("{a: {group: b.c}, b: }", "group-name-taken 1:20 jobs.a.group"),
        ("{a: {group: b.c}, b__c: }", "group-name-taken 1:20 jobs.a.group"),
        ("{a: {group: b.c}, d: {group: b__c}}", "group-name-taken 1:37 jobs.d.group"),
    ],
)
def test_a_duplicate_name(jobs: str, problem: str) -> None:
    assert problems(f"jobs:  {jobs}") == [problem]


def test_a_group_with_many_jobs() -> None:
    assert problems("jobs: {a: {group: c.d}, b: {group: c.d}, e: {group: c}, d: }") == []


def test_groups_show_in_the_resolved_configuration() -> None:
    assert "group: load" in Written("jobs: {a: {group: load, when: '{{ true }}'}}").built().resolved
    assert "a job and a group are both named `b`" in said("jobs: {a: {group: b}, b: }")
