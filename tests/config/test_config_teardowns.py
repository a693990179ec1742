"""The ``teardown`` of a job: its dependencies and its errors."""

from __future__ import annotations

import pytest
from written import built, job, problems, said


def waits(jobs: str) -> dict[str, tuple[str, ...]]:
    """The dependencies of each teardown."""
    return {one.name: one.depends_on for one in built(f"jobs:\n{jobs}").jobs if one.teardown_of}


def test_a_teardown_waits_for_the_last_of_the_users() -> None:
    jobs = """
  create: {}
  load: {depends_on: [create]}
  train: {depends_on: [load]}
  score: {depends_on: [load]}
  other: {}
  delete: {teardown: {of: create}}
  mail: {depends_on: [delete, train]}
"""
    assert waits(jobs) == {"delete": ("create", "train", "score")}
    assert "depends_on: [create, train, score]" in built(f"jobs:\n{jobs}").resolved


def test_a_teardown_can_set_its_dependencies() -> None:
    jobs = """
  create: {}
  load: {depends_on: [create]}
  train: {depends_on: [load]}
  delete: {teardown: {of: create}, depends_on: [load]}
"""
    assert waits(jobs) == {"delete": ("load", "create")}


def test_a_setup_without_users() -> None:
    assert waits("  a: {}\n  b: {teardown: {of: a}}\n") == {"b": ("a",)}


def test_several_setups_and_nested_teardowns() -> None:
    jobs = """
  net: {}
  create: {depends_on: [net]}
  train: {depends_on: [create]}
  delete: {teardown: {of: create}}
  close: {teardown: {of: [net]}}
  both: {teardown: {of: [net, create]}}
"""
    assert waits(jobs) == {"delete": ("create", "train"), "close": ("net", "train"), "both": ("net", "create", "train")}


def test_a_teardown_of_a_matrix_covers_all_cells() -> None:
    jobs = """
  create: {matrix: {n: [1, 2]}}
  train: {depends_on: [create]}
  delete: {teardown: {of: create}}
  first: {teardown: {of: create-1}}
"""
    found = {one.name: one.teardown_of for one in built(f"jobs:\n{jobs}").jobs}
    assert found["delete"] == ("create-1", "create-2")
    assert found["first"] == ("create-1",)


def test_a_teardown_removes_the_rule_of_a_lower_layer() -> None:
    head = "version: 1\ndefaults: {docker_image: image, resource_flavor: small, trigger_rule: all_done}\n"
    assert job("jobs: {a: {trigger_rule: null}, b: {teardown: {of: a}}}", head=head).trigger_rule == "all_success"


@pytest.mark.parametrize(
    ("jobs", "problem", "words"),
    [
        ("{a: {}, b: {teardown: {of: c}}}", "unknown-job 1:35 jobs.b.teardown.of", "unknown job `c`"),
        ("{a: {}, b: {teardown: {of: [a, c]}}}", "unknown-job 1:39 jobs.b.teardown.of[1]", "unknown job `c`"),
        ("{a: {}, b: {teardown: {of: b}}}", "depends-on-itself 1:35 jobs.b.teardown.of", "itself"),
        (
            "{a: {}, b: {teardown: {of: a}, trigger_rule: all_done}}",
            "teardown-with-rule 1:53 jobs.b.trigger_rule",
            "has a fixed trigger rule, so `trigger_rule` is not allowed",
        ),
        (
            "{a: {}, b: {teardown: {of: a}}, c: {teardown: {of: b}}}",
            "bad-teardown 1:59 jobs.c.teardown.of",
            "is itself a teardown",
        ),
        (
            "{a: {}, b: {teardown: {of: a}}, c: {depends_on: [a], trigger_rule: all_done}}",
            "rule-after-setup 1:75 jobs.c.trigger_rule",
            "follows `a`, whose teardown is `b`",
        ),
        (
            "{a: {depends_on: [b]}, b: {teardown: {of: a}}}",
            "dependency-cycle 1:26 jobs.a.depends_on[0]",
            "a -> b -> a",
        ),
    ],
)
def test_errors(jobs: str, problem: str, words: str) -> None:
    assert problems(f"jobs:  {jobs}") == [problem]
    assert words in said(f"jobs:  {jobs}")


def test_jobs_further_downstream_can_have_any_rule() -> None:
    jobs = "{a: {}, b: {teardown: {of: a}}, c: {depends_on: [a]}, d: {depends_on: [c], trigger_rule: all_done}}"
    assert problems(f"jobs: {jobs}") == []
