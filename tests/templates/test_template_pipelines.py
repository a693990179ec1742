"""``training@v1`` and ``etl@v1``: their jobs, how a caller changes the jobs, and wrong calls."""

from __future__ import annotations

from typing import Any

import pytest
from building import built as dag_of
from written import Written

from dag_factory.config import model

TRAINING = """
template: training@v1
with:
  extract: churn.data:extract
  train: churn.models:train
  matrix: {model: [tree, forest], depth: [3, 10]}
  evaluate: churn.models:evaluate
  promote: churn.models:promote
  promote_if: {metric: accuracy, at_least: 0.9}
  arguments: {day: "{{ run_date }}", folds: 5}
"""
ETL = """
template: etl@v1
with: {extract: 'sales:extract', transform: 'sales:transform', load: 'sales:load', arguments: {day: "{{ run_date }}"}}
"""


def jobs(text: str) -> dict[str, model.Job]:
    pipeline = Written(text).built()
    dag_of(pipeline)
    return {job.name: job for job in pipeline.jobs}


def test_training_has_a_job_for_each_cell_between_extract_and_evaluate() -> None:
    found = jobs(TRAINING)
    cells = ["train-tree-3", "train-tree-10", "train-forest-3", "train-forest-10"]
    assert list(found) == ["extract", *cells, "evaluate", "promote"]
    train = found["train-forest-10"]
    assert train.args and train.args[:2] == ("callable", "churn.models:train")
    assert '"model": "forest", "depth": 10, "day": ' in train.args[2] and '"folds": 5' in train.args[2]
    assert set(found["evaluate"].depends_on) == {"extract", *cells}
    assert found["promote"].when == "{{ output('evaluate')['accuracy'] >= 0.9 }}"
    assert all(job.output for job in found.values())


def test_training_without_promotion_and_with_jobs_changed_by_the_caller() -> None:
    text = """
template: training@v1
with: {extract: 'a:b', train: 'a:c', evaluate: 'a:d', matrix: {depth: [1, 2]}}
jobs:
  train: {resource_flavor: large, matrix: {exclude: [{depth: 1}]}}
  report: {depends_on: [evaluate], script: 'echo {{ output("evaluate").accuracy }}'}
"""
    found = jobs(text)
    assert list(found) == ["extract", "train-2", "evaluate", "report"]
    assert found["train-2"].flavor.name == "large"


def test_etl_maps_transform_over_the_output_of_extract() -> None:
    found = jobs(ETL)
    assert list(found) == ["extract", "transform", "load"]
    over = found["transform"].for_each
    assert over and (over.output, over.variable, over.max_parallel) == ("extract", "PART", 8)
    assert list(jobs(ETL.replace("load:", "check: 'a:b', load:"))) == ["extract", "transform", "load", "check"]


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        (
            TRAINING,
            ("  train: churn.models:train\n", ""),
            "missing-input the template `training@v1` needs the input `train`",
        ),
        (
            TRAINING,
            ("churn.data:extract", "churn.data"),
            "bad-input the input `extract` of `training@v1`: `churn.data` is not a",
        ),
        (TRAINING, ("[3, 10]", "3"), "bad-input the input `matrix` of `training@v1`: `3` is not a list"),
        (
            TRAINING,
            ("folds", "data"),
            "bad-input the input `arguments` of `training@v1`: `data` is not the name of an argument",
        ),
        (TRAINING, ("at_least: 0.9", "above: 1"), "bad-input the input `promote_if` of `training@v1`"),
        (
            TRAINING,
            ("  promote: churn.models:promote\n", ""),
            "bad-input the input `promote_if` of `training@v1`: `promote_if`",
        ),
        (
            TRAINING,
            ("accuracy", "a.b"),
            "bad-input the input `promote_if` of `training@v1`: `a.b` is not the name of a metric",
        ),
        (TRAINING, ("{{ run_date }}", "{{ run_dat }}"), "undefined-name `run_dat` is not defined in a template"),
        (
            ETL,
            ("transform: 'sales:transform', ", ""),
            "missing-input the template `etl@v1` needs the input `transform`",
        ),
        (
            ETL,
            ("arguments: {day", "max_parallel: 0, arguments: {day"),
            "bad-input the input `max_parallel` of `etl@v1`: `0`",
        ),
    ],
)
def test_a_wrong_call_is_reported_at_the_caller(text: str, change: tuple[str, str], expected: str) -> None:
    changed = text.replace(*change)
    assert changed != text
    found: list[Any] = list(Written(changed).compiled().problems)
    assert any(f"{one.code} {one.message}".startswith(expected) for one in found), found
    assert all(one.file.endswith("flow.yaml") and one.line for one in found)
