"""Retry rules by name, numbers that override them, and their entries for failed pods."""

from __future__ import annotations

import pytest
from table_project import MINIMAL, PIPELINE, Project

from dag_factory.config.model import Outcome, Retries

RULES = """\
version: 1
rules:
  transient:
    retries: 3
    delay: 30s
    backoff: exponential
    max_delay: 10m
    on:
      - {reason: OOMKilled, then: next_flavor}
      - {reason: [Evicted, OutOfnvidia.com/gpu], then: retry, delay: 5s}
      - {exit_code: [64, 65], then: fail}
  patient: {retries: 9, delay: 1h}
  computed: {retries: "${{ vars.tries }}", delay: 1s}
"""
TRANSIENT = Retries(
    count=3,
    delay=30,
    backoff="exponential",
    max_delay=600,
    rule="transient",
    on=(
        Outcome(reasons=("OOMKilled",), then="next_flavor"),
        Outcome(reasons=("Evicted", "OutOfnvidia.com/gpu"), then="retry", delay=5),
        Outcome(exit_codes=(64, 65), then="fail"),
    ),
)
PROJECT = MINIMAL.with_files(
    retries=RULES, environments__dev="version: 1\nvars: {tries: 4, rule: patient, number: 6}\n"
)


def project_with(*layers: str) -> Project:
    """A pipeline with ``retries`` in the defaults of the environment, its own defaults, the job, and its overlay."""
    below, defaults, own, overlay = (*layers, "", "", "", "")[:4]
    flow = PIPELINE.replace("small}", f"small, retries: {defaults}}}" if defaults else "small}")
    flow += f"jobs: {{a: {{{f'retries: {own}' if own else ''}}}}}\n"
    flow += f"environments: {{dev: {{jobs: {{a: {{retries: {overlay}}}}}}}}}\n" if overlay else ""
    dev = PROJECT.files["environments/dev"] + (f"defaults: {{job: {{retries: {below}}}}}\n" if below else "")
    return PROJECT.with_files(pipelines__team__flow=flow, environments__dev=dev)


def retries(*layers: str) -> Retries:
    return project_with(*layers).pipeline().jobs[0].retries


def test_rule_by_name() -> None:
    assert retries("", "", "transient") == TRANSIENT


@pytest.mark.parametrize(
    ("layers", "count", "delay", "rule"),
    [
        (("", "", "5"), 5, None, ""),
        (("", "transient", "5"), 5, 30, "transient"),
        (("transient", "5"), 5, 30, "transient"),
        (("transient", "5", "7"), 7, 30, "transient"),
        (("transient", "patient", "7"), 7, 3600, "patient"),
        (("transient", "7", "patient"), 9, 3600, "patient"),
        (("", "", "transient", "5"), 5, 30, "transient"),
        (("transient", "", "4", "5"), 5, 30, "transient"),
        (("", "{retries: 2, delay: 9s}", "5"), 5, 9, ""),
        (("", "{count: 2, delay: 9s}", "5"), 5, 9, ""),
        (("", "transient", "{retries: 2}"), 2, None, ""),
        (("", "3", "{delay: 2s}"), 0, 2, ""),
        (("", "transient", "null"), 0, None, ""),
        (("", "transient", "0"), 0, 30, "transient"),
        (("", "", "'${{ vars.rule }}'"), 9, 3600, "patient"),
        (("", "transient", "'${{ vars.number }}'"), 6, 30, "transient"),
        (("", "transient", "'${{ vars.rule }}'"), 9, 3600, "patient"),
        (("", "'${{ vars.rule }}'", "5"), 5, 3600, "patient"),
        (("", "'${{ vars.number }}'", "5"), 5, None, ""),
        (("", "", "computed"), 4, 1, "computed"),
        (("", "computed", "'${{ vars.number + 1 }}'"), 7, 1, "computed"),
    ],
)
def test_number_changes_the_count_of_the_rule(
    layers: tuple[str, ...], count: int, delay: int | None, rule: str
) -> None:
    found = retries(*layers)
    assert (found.count, found.delay, found.rule) == (count, delay, rule)


def test_resolved_text_contains_the_rule_and_compiles() -> None:
    resolved = project_with("", "transient", "5").pipeline().resolved
    assert "retries: 5" in resolved
    assert "then: next_flavor" in resolved
    again = MINIMAL.with_files(pipelines__team__flow="version: 1\n" + resolved).pipeline()
    assert again.jobs[0].retries.on == TRANSIENT.on


@pytest.mark.parametrize(
    ("layers", "problem", "words"),
    [
        (("", "", "transiant"), "unknown-retry-rule flow.yaml:3:21 jobs.a.retries", "did you mean `transient`?"),
        (("", "transiant", "5"), "unknown-retry-rule flow.yaml:2:75 defaults.retries", "`transiant`"),
        (("", "", "'${{ vars.nothing }}'"), "undefined-name flow.yaml:3:21 jobs.a.retries", "nothing"),
        (("", "", "'${{ vars.number * 100 }}'"), "bad-retries flow.yaml:3:21 jobs.a.retries", "600"),
        (("", "transient", "'${{ vars.number * 100 }}'"), "bad-retries flow.yaml:3:21 jobs.a.retries.retries", "600"),
    ],
)
def test_unknown_or_invalid_rule(layers: tuple[str, ...], problem: str, words: str) -> None:
    found = project_with(*layers)
    assert found.problems() == [problem]
    assert words in found.messages()


def test_rule_without_a_table() -> None:
    found = MINIMAL.with_files(pipelines__team__flow=PIPELINE + "jobs: {a: {retries: transient}}\n")
    assert found.problems() == ["unknown-retry-rule flow.yaml:3:21 jobs.a.retries"]
    assert "create configs/platform/retries.yaml" in found.messages()


def test_broken_rule_affects_only_its_users() -> None:
    project = MINIMAL.with_files(
        retries="version: 1\nrules:\n  bad: {retries: lots}\n  worse: {delay: '${{ vars.x }}'}\n  good: {retries: 2}\n",
        pipelines__team__one=PIPELINE + "jobs: {a: {retries: bad}}\n",
        pipelines__team__two=PIPELINE + "jobs: {a: {retries: good}}\n",
        pipelines__team__three=PIPELINE + "jobs: {a: {retries: worse}}\n",
    )
    assert project.problems() == [
        "broken-retry-rule one.yaml:3:21 jobs.a.retries",
        "broken-retry-rule three.yaml:3:21 jobs.a.retries",
        "bad-retries retries.yaml:3:18 rules.bad.retries",
        "undefined-name retries.yaml:4:18 rules.worse.delay",
    ]
    assert sorted(project.pipelines()) == ["team.flow", "team.two"]


@pytest.mark.parametrize(
    "table", ["version: 1\nrules: [\n", "version: 2\nrules: {}\n", "[]\n", "version: 1\nrules: []\n"]
)
def test_unreadable_table_affects_only_its_users(table: str) -> None:
    project = MINIMAL.with_files(
        retries=table,
        pipelines__team__one=PIPELINE + "jobs: {a: {retries: bad}}\n",
        pipelines__team__two=PIPELINE + "jobs: {a: {retries: 2}}\n",
    )
    assert project.problems()[0] == "broken-table one.yaml:3:21 jobs.a.retries"
    assert sorted(project.pipelines()) == ["team.flow", "team.two"]


@pytest.mark.parametrize(
    ("on", "warning"),
    [
        ("[{reason: OomKilled, then: fail}]", "unknown-reason 9:18 [0].reason"),
        ("[{reason: [Evicted, Ewicted], then: fail}]", "unknown-reason 9:28 [0].reason"),
        ("[{reason: Evicted, then: fail}, {reason: [Evicted], then: retry}]", "never-matches 9:50 [1].reason"),
        ("[{exit_code: 3, then: fail}, {exit_code: [2, 3], then: retry}]", "never-matches 9:53 [1].exit_code"),
    ],
)
def test_warnings_about_entries_without_effect(on: str, warning: str) -> None:
    code, place, path = warning.split()
    table = f"version: 1\nrules:\n\n\n\n\n\n  a:\n    on: {on}\n"
    found = MINIMAL.with_files(retries=table, pipelines__team__flow=PIPELINE + "jobs: {j: {retries: a}}\n").compile()
    (problem,) = found.problems
    line, _, column = place.partition(":")
    assert (problem.code, problem.line, problem.path) == (code, int(line), f"rules.a.on{path}")
    assert problem.severity == "warning"
    assert column
    assert len(found.pipelines) == 1
    own = MINIMAL.with_files(pipelines__team__flow=PIPELINE + f"jobs: {{j: {{retries: {{on: {on}}}}}}}\n").compile()
    assert [one.code for one in own.problems] == [code]
