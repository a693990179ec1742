"""Causes of whole DAGs: what created, removed or renamed each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_sides import FLAVORS, HEAD, TODAY, write

from dag_factory.config.problems import errors
from dag_factory.plan.comparison.compare import compare, compare_environments
from dag_factory.plan.judge import Judged, judge

FLOW = "pipelines/a/flow.yaml"
DEV, PROD = "platform/environments/dev.yaml", "platform/environments/prod.yaml"
JOBS = "jobs: {x: {command: [x]}}\n"
TABLES = {"platform/flavors.yaml": FLAVORS, DEV: "version: 1\n", PROD: "version: 1\n"}
ROWS = "template: day@v1\ninstances:\n  one: {}\n  two: {}\n"
TEMPLATE = {"platform/templates/pipelines/day/v1.yaml.j2": f"version: 1\n---\n{JOBS}"}


def judged(tmp_path: Path, before: dict[str, str], after: dict[str, str]) -> Judged:
    homes = tmp_path / "before", tmp_path / "after"
    for home, files in zip(homes, (before, after), strict=True):
        write({**TABLES, **files}, home)
    compared = compare(*homes)
    assert not errors(compared.problems.new), compared.problems.new
    return judge(compared, *homes, None, TODAY)


def causes(found: Judged) -> dict[str, str]:
    """``kind id environment``, with the place of the cause."""
    result = {}
    for change in found.changes:
        if change.kind == "documentation":
            continue
        assert change.cause, change
        cause = change.cause
        place = f"{cause.file.removeprefix('configs/')}:{cause.line}" + (" (before)" if cause.side == "before" else "")
        result[f"{change.kind} {change.id} {change.environment}"] = place
    return result


def flow(text: str = "") -> dict[str, str]:
    return {FLOW: HEAD + text + JOBS}


def rows(text: str) -> dict[str, str]:
    return {FLOW: HEAD + text, **TEMPLATE}


CASES: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {
    "new file": ({}, flow(), {f"added a.flow {one}": f"{FLOW}:0" for one in ("dev", "prod")}),
    "removed file": (flow(), {}, {f"removed a.flow {one}": f"{FLOW}:0 (before)" for one in ("dev", "prod")}),
    "only names one more environment": (
        flow("only: [dev]\n"),
        flow("only: [dev, prod]\n"),
        {"added a.flow prod": f"{FLOW}:3"},
    ),
    "only names one less": (flow("only: [dev, prod]\n"), flow("only: [dev]\n"), {"removed a.flow prod": f"{FLOW}:3"}),
    "new only": (flow(), flow("only: [dev]\n"), {"removed a.flow prod": f"{FLOW}:3"}),
    "removed only": (flow("only: [dev]\n"), flow(), {"added a.flow prod": f"{FLOW}:3 (before)"}),
    "new instance": (
        rows("only: [dev]\n" + ROWS),
        rows("only: [dev]\n" + ROWS + "  three: {}\n"),
        {"added a.flow.three dev": f"{FLOW}:8"},
    ),
    "removed instance": (
        rows("only: [dev]\n" + ROWS + "  three: {}\n"),
        rows("only: [dev]\n" + ROWS),
        {"removed a.flow.three dev": f"{FLOW}:8 (before)"},
    ),
    "instances instead of one pipeline": (
        flow("only: [dev]\n"),
        rows("only: [dev]\n" + ROWS),
        {
            "renamed a.flow.one dev": f"{FLOW}:5",
            "added a.flow.two dev": f"{FLOW}:5",
        },
    ),
    "new environment": (
        {**flow(), PROD: ""},
        flow(),
        {"added a.flow prod": f"{PROD}:0"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_of_a_whole_dag_is_the_place_that_was_edited(name: str, tmp_path: Path) -> None:
    before, after, expected = CASES[name]
    if name == "new environment":
        write({**TABLES, **flow()}, tmp_path / "before")
        (tmp_path / "before" / "configs" / PROD).unlink()
        write({**TABLES, **flow()}, tmp_path / "after")
        homes = tmp_path / "before", tmp_path / "after"
        found = judge(compare(*homes), *homes, None, TODAY)
    else:
        found = judged(tmp_path, before, after)
    assert causes(found) == expected


def test_a_renamed_file_is_the_cause_of_the_new_name(tmp_path: Path) -> None:
    new = "pipelines/a/other.yaml"
    found = judged(tmp_path, flow(), {new: flow()[FLOW]})
    assert set(causes(found).values()) == {f"{new}:0"}
    assert {change.kind for change in found.changes} == {"renamed"}


def test_between_environments_only_is_the_cause(tmp_path: Path) -> None:
    write({**TABLES, **flow("only: [dev]\n")}, tmp_path)
    compared = compare_environments(tmp_path, "dev", "prod")
    found = judge(compared, tmp_path, tmp_path, None, TODAY)
    assert causes(found) == {"removed a.flow dev..prod": f"{FLOW}:3"}


def test_many_removed_files_are_one_risk(tmp_path: Path) -> None:
    many = {f"pipelines/a/p{n}.yaml": HEAD + f"# {n}\n" + JOBS for n in range(3)}
    risks = [risk for risk in judged(tmp_path, many, {}).risks if risk.kind == "dag-removed"]
    assert [len(risk.places) for risk in risks] == [6]
