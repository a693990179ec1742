"""Lists that a run makes, and groups that run once per item: what Airflow gets, and what a worker renders."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from building import a_job, a_pipeline, built

from dag_factory.config import model

REGRID = model.ForEach(variable="FOLDER", output="setup", path=("folders",), max_parallel=2, own_task=True)
ENV = (model.EnvVar(name="FOLDER", value="{{ item | as_text }}"),)


def pipeline() -> model.Pipeline:
    inside = {"group": "load.regrid", "mapped_group": "load.regrid", "output": True}
    return a_pipeline(
        a_job("setup", output=True),
        a_job("compute", depends_on=("setup",), env=ENV, args=("{{ item.name }}",), **inside),
        a_job("store", depends_on=("compute",), args=("{{ output('compute') }}",), **inside),
        a_job("train", for_each=model.ForEach(param="models", label="{{ item.name }}", own_task=True)),
        a_job("report", depends_on=("store",), args=("{{ output('compute') }}",)),
        groups={"load.regrid": REGRID},
        params=(model.Param(name="models", schema={"type": "array"}, default=[{"name": "a"}]),),
    )


def test_the_graph() -> None:
    dag = built(pipeline())
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "setup": set(),
        "load__regrid.items": {"setup"},
        "compute": {"load__regrid.items"},
        "store": {"compute"},
        "train.items": set(),
        "train": {"train.items"},
        "report": {"store"},
    }
    assert dag.task_dict["compute"].max_active_tis_per_dagrun == 2


def test_airflow_reads_the_serialized_dag() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    stored = DagSerialization.to_dict(built(pipeline()))
    text = json.dumps(stored)
    assert " object at 0x" not in text
    assert json.dumps(DagSerialization.to_dict(built(pipeline()))) == text
    dag = DagSerialization.from_dict(stored)
    expanded = {task.task_id for task in dag.tasks if task.get_needs_expansion()}
    assert expanded == {"compute", "store", "train"}


@pytest.mark.parametrize(
    ("task", "needed", "runs_over"),
    [
        ("load__regrid.items", {"setup", "load__regrid.items", "compute", "store"}, ["load__regrid"]),
        ("train.items", {"train.items", "train"}, ["train"]),
        ("store", {"load__regrid.items", "compute", "store", "report"}, []),
    ],
)
def test_a_worker_builds_the_jobs_that_run_over_a_list(task: str, needed: set[str], runs_over: list[str]) -> None:
    """Airflow stores the length of a list only if the task finds the jobs that run over it."""
    from dag_factory.build.dag.build_dag import build_dag

    dag = build_dag(pipeline(), with_docs=False, only_task=task)
    assert set(dag.task_dict) == needed
    assert [one.node_id for one in dag.task_dict[task].iter_mapped_dependants()] == runs_over


def rendered(name: str, index: int) -> tuple[list[str], dict[str, str], str]:
    """Arguments, variables and label of an instance, after a worker rendered them."""
    pushed = {
        ("load__regrid.items", None): [{"name": "one"}, {"name": "$(TWO)"}],
        ("compute", 1): {"rows": 2},
    }

    def pulled(task_ids: Any, key: str, map_indexes: Any = -1) -> Any:
        assert key == "return_value"
        if isinstance(task_ids, list):
            return [{"rows": 1}, {"rows": 2}] if task_ids == ["compute"] and map_indexes == -1 else None
        return pushed[task_ids, map_indexes]

    dag = built(pipeline())
    task = dag.task_dict[name].prepare_for_execution()
    ti = SimpleNamespace(task_id=name, map_index=index, xcom_pull=pulled)
    context = {"dag": dag, "task": task, "ti": ti, "params": {}, "run_id": "r"}
    environment = dag.get_template_env()
    task.render_template_fields(context, environment)
    label = environment.from_string(task.map_index_template).render(**context) if task.map_index_template else ""
    return task.arguments, {one.name: one.value for one in task.env_vars}, label


def test_an_instance_reads_its_item_and_the_outputs_for_it() -> None:
    assert rendered("compute", 1) == (["$$(TWO)"], {"FOLDER": '{"name": "$$(TWO)"}'}, '{"name": "$(TWO)"}')
    assert rendered("store", 1)[0] == ["{'rows': 2}"]
    assert rendered("report", -1)[0] == ["[{'rows': 1}, {'rows': 2}]"]


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ({"a": {"b": [1, 2]}}, ("a", "b"), [1, 2]),
        ({"a": [[1], [2, 3]]}, ("a", "1"), [2, 3]),
        ([], (), []),
        ({"a": 1}, (), "so it must be a list; it is a map of 1 key"),
        ("text", (), "it is text"),
        (None, (), "it is null"),
        ({"a": 1}, ("b",), "the output of `setup` has no key `b` (it has `a`)"),
        ({"a": 1}, ("a", "b"), "`a` in the output of `setup` has no key `b`: it is a number"),
        ([[1]], ("5",), "it is a list of 1 item"),
        ([0] * 9, (), "the list has 9 items; at most 8 are allowed"),
    ],
)
def test_a_list_or_the_reason_why_there_is_none(value: Any, path: tuple[str, ...], words: Any) -> None:
    from dag_factory.build.worker.list_items import select_items

    each = model.ForEach(output="setup", path=path)
    if isinstance(words, list):
        assert select_items(value, each, "`train`", 8) == words
        return
    with pytest.raises(AirflowFailException) as failure:
        select_items(value, each, "`train`", 8)
    assert words in str(failure.value)


def test_the_list_of_a_param_comes_from_the_run() -> None:
    task = built(pipeline()).task_dict["train.items"]
    assert task.execute({"params": {"models": [{"name": "b"}]}}) == [{"name": "b"}]
