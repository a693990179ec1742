"""A plan as a comment: its marker, its size, and what is folded."""

from __future__ import annotations

import pytest
from sample_plans import EMPTY, change, everything, flavor_edit, place, plan

from dag_factory.config.problems import Problem
from dag_factory.plan.formats.markdown import LIMITS, MARKER, as_markdown, failed_as_markdown
from dag_factory.plan.model import Risk


def test_a_comment_begins_with_the_marker_by_which_it_is_replaced() -> None:
    for text in (as_markdown(EMPTY), as_markdown(everything()), failed_as_markdown("no", "1")):
        assert text.startswith(f"{MARKER}\n## What this change does\n")


def test_a_comment_names_both_commits_the_version_the_environments_and_the_files() -> None:
    text = as_markdown(everything())
    assert "From `main` (`1a2b3c4d5e6f`) to `working tree` (`9f8e7d6c5b4a`) with uncommitted changes." in text
    assert "3 environments: `dev`, `local`, `prod`. 143 of 144 configuration files analyzed. dagf `0.1.0`." in text


def test_without_a_change_the_comment_says_so() -> None:
    assert "**No DAG changes in `dev`, `prod`.**" in as_markdown(EMPTY)


def test_details_of_many_dags_are_folded_and_those_of_few_are_open() -> None:
    many = as_markdown(everything())
    assert "<details><summary><code>ml.grapes</code> is changed in <code>prod</code></summary>" in many
    assert "<details open><summary><code>team.flow-0</code>" in as_markdown(flavor_edit(3))


@pytest.mark.parametrize("limit", [4_000, LIMITS["github"], LIMITS["gitlab"]])
def test_a_comment_stays_under_the_limit_and_counts_what_does_not_fit(limit: int) -> None:
    problem = Problem("configs/pipelines/a.yaml", 1, 1, "bad-value", "is wrong " * 20)
    many = plan(
        changes=tuple(change("added", f"team.flow-{number}") for number in range(9_000))
        + tuple(change("broken", f"b.flow-{number}", problems=(problem,)) for number in range(500)),
        risks=tuple(Risk("catchup", f"Risk of the DAG `{number}`", (place(),)) for number in range(3_000)),
        new_problems=tuple(Problem(f"{number}.yaml", 1, 1, "bad-value", "wrong " * 30) for number in range(3_000)),
    )
    text = as_markdown(many, limit)
    assert limit / 2 < len(text.encode()) <= limit
    shown = text.count("</summary>") + text.count("  - the details are too long")
    hidden = int(text.split(" more DAGs, too long")[0].rsplit(" ", 1)[1].replace(",", ""))
    assert shown + hidden == 9_000
    risks = text.count("**`catchup`**")
    assert risks == 3_000 or (risks and f"… and {3_000 - risks:,} more risks, too long for this comment" in text)
    assert "analyzed. dagf" in text


def test_a_failed_plan_says_so_in_a_comment_that_replaces_the_old_one() -> None:
    text = failed_as_markdown("the merge base is missing; use `fetch-depth: 0`", "0.1.0")
    assert "**The plan could not be made, so this comment says nothing about the change.**" in text
    assert "the merge base is missing; use `fetch-depth: 0`\n" in text


def test_a_very_long_error_stays_under_the_limit() -> None:
    assert len(failed_as_markdown("#" * 200_000, "0.1.0").encode()) < 10_000
