"""The cells of a matrix as tasks, and their outputs as a list."""

from __future__ import annotations

import pytest
from building import a_job, a_pipeline, built, rendered

from dag_factory.config import model

CELLS = {"train": ("train-de", "train-fr")}


def test_a_task_for_each_cell() -> None:
    jobs = (
        a_job("train-de", matrix={"country": "DE"}),
        a_job("train-fr", matrix={"country": "FR"}),
        a_job("all", depends_on=("train-de", "train-fr")),
    )
    dag = built(a_pipeline(*jobs, cells=CELLS))
    assert list(dag.task_dict) == ["train-de", "train-fr", "all"]
    assert dag.task_dict["all"].upstream_task_ids == {"train-de", "train-fr"}
    assert "country = `DE`" in dag.doc_md
    assert "country = `DE`" in dag.task_dict["train-de"].doc_md


def reading(text: str, outputs: dict[str, object]) -> str:
    task = rendered(a_job(env=(model.EnvVar(name="A", value=text),)), outputs, cells=CELLS)
    return str(task.env_vars[0].value)


def test_the_output_of_a_matrix_is_a_list_in_order() -> None:
    outputs = {"train-fr": {"score": 2}, "train-de": {"score": 1}}
    assert reading("{{ output('train') | map(attribute='score') | list }}", outputs) == "[1, 2]"
    assert reading("{{ output('train-fr').score }}", outputs) == "2"


def test_a_cell_without_output_is_not_in_the_list() -> None:
    assert reading("{{ output('train') }}", {"train-fr": 2}) == "[2]"
    assert reading("{{ output('train') }}", {}) == "[]"


def test_reading_a_cell_without_output_is_an_error() -> None:
    from dag_factory.build.worker.try_failed import TryFailed

    with pytest.raises(TryFailed) as failure:
        reading("{{ output('train-de') }}", {"train-fr": 2})
    assert "train-de" in failure.value.verdict.sentence
