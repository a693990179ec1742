"""What ``dagf check`` sees: every file in every environment, each problem once."""

from __future__ import annotations

from written import ENVIRONMENT, Written

OTHER = "version: 1\nvars: {registry: other, release: 2.0.0, only_here: x}\n"


def seen(text: str, **environments: str) -> list[str]:
    found = Written(text, environments=environments).surveyed()
    return [f"{problem.code}: {problem.message}" for problem in found.problems]


def test_a_problem_of_all_environments_is_reported_once() -> None:
    assert seen("jobs: {a: {depends_on: [b]}}", dev=ENVIRONMENT, prod=ENVIRONMENT) == ["unknown-job: unknown job `b`"]


def test_a_problem_of_some_environments_names_them() -> None:
    text = "jobs: {a: {env: {A: '${{ vars.only_here }}'}}}"
    (reported,) = seen(text, dev=ENVIRONMENT, prod=OTHER, test=ENVIRONMENT)
    assert reported == "undefined-name: `only_here` is not defined (in `dev`, `test`)"


def test_a_pipeline_is_looked_at_where_it_exists() -> None:
    text = "only: [prod]\njobs: {a: {env: {A: '${{ vars.only_here }}'}}}"
    assert seen(text, dev=ENVIRONMENT, prod=OTHER) == []


def test_an_overlay_of_one_environment_is_looked_at() -> None:
    text = "jobs: {a: {}}\nenvironments: {prod: {jobs: {a: {pool: nope}}}}"
    assert seen(text, dev=ENVIRONMENT, prod=OTHER) == ["unknown-pool: unknown pool `nope` (in `prod`)"]


def test_a_broken_environment_does_not_hide_the_problems_of_another() -> None:
    reported = seen("jobs: {a: {pool: nope}}", dev=ENVIRONMENT, prod="version: 1\nclustr: {}\n")
    assert [line.split(":")[0] for line in reported] == ["broken-table", "unknown-pool", "unknown-key"]


def test_problems_come_in_the_order_of_files_and_lines() -> None:
    found = Written("jobs:\n  b: {pool: x}\n  a: {pool: y}\n  c: {z: 1}\n").surveyed()
    assert [problem.line for problem in found.problems] == [4, 5, 6]
    assert (found.environments, found.pipelines) == (("dev",), ("configs/pipelines/team/flow.yaml",))
