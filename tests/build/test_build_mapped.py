"""A job that runs once per item of a list: Airflow's dynamic task mapping of the pod operator."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from building import CARD, a_job, a_pipeline, built, rendering_fails

from dag_factory.config import model

OVER_LIST = model.ForEach(variable="COUNTRY", items=("DE", '{"a": 1}'), max_parallel=2)
OVER_OUTPUT = model.ForEach(variable="COUNTRY", output="list")
SECRET = model.EnvVar(name="TOKEN", secret=model.KeyRef(name="s", key="k"))


def two(**fields: Any) -> Any:
    """A DAG of two jobs: `each` runs over the output of `list`, which is defined after it."""
    jobs = (a_job("each", for_each=OVER_OUTPUT, depends_on=("list",), **fields), a_job("list", output=True))
    return built(a_pipeline(*jobs, params=(model.Param(name="folds", schema={}, default=5),)))


def test_over_a_list() -> None:
    task = built(a_pipeline(a_job(for_each=OVER_LIST))).task_dict["main"]
    assert task.is_mapped
    assert task.operator_class.__name__ == "PodOperator"
    assert task.expand_input.value == {"params": [{"for_each.item": "DE"}, {"for_each.item": '{"a": 1}'}]}
    assert task.max_active_tis_per_dagrun == 2


def test_over_an_output() -> None:
    dag = two()
    assert dag.task_dict["each"].upstream_task_ids == {"list"}
    assert dag.task_dict["each"].max_active_tis_per_dagrun is None
    (argument,) = dag.task_dict["each"].expand_input.value.values()
    assert [task.task_id for task, _ in argument.iter_references()] == ["list"]


@pytest.mark.parametrize(
    ("item", "text"),
    [("DE", "DE"), (1.5, "1.5"), (True, "true"), (None, "null"), ({"a": ["Ü"]}, '{"a": ["Ü"]}'), ("", "")],
)
def test_an_item_is_text_or_json(item: object, text: str) -> None:
    from dag_factory.build.task.mapped_task import as_params
    from dag_factory.build.worker.templates.item import as_text

    assert as_text(as_params(item)["for_each.item"]) == text


def test_the_stored_function_uses_no_other_name() -> None:
    import inspect

    from dag_factory.build.task.mapped_task import as_params

    names: dict[str, Any] = {}
    exec(inspect.getsource(as_params), names)
    assert names["as_params"]([1]) == {"for_each.item": [1]}


def instance(dag: Any, item: str, conf: dict[str, Any] | None = None) -> Any:
    """A mapped instance after a worker rendered it."""
    from airflow.sdk.definitions.param import process_params

    mapped = dag.task_dict["each"]
    task = mapped.unmap({"params": {"for_each.item": item}})
    params = process_params(dag, task, conf, suppress_exception=False)
    run = SimpleNamespace(logical_date=None, run_after=None, run_id="x", conf=conf)
    ti = SimpleNamespace(try_number=1, max_tries=0, xcom_push=lambda **_: None, stats_tags={})
    context = {"dag": dag, "dag_run": run, "run_id": "x", "ti": ti, "params": params, "task": task}
    environment = dag.get_template_env()
    task.render_template_fields(context, environment)
    label = environment.from_string(mapped.partial_kwargs["map_index_template"]).render(**context)
    return {one.name: one.value for one in task.env_vars}, label


def test_the_item_is_in_the_variable_and_the_label_and_params_stay() -> None:
    env = (model.EnvVar(name="FOLDS", value="{{ params.folds }}"), SECRET)
    assert instance(two(env=env), "DE") == ({"FOLDS": "5", "TOKEN": None, "COUNTRY": "DE"}, "DE")
    assert instance(two(env=env), "DE", {"folds": 7})[0]["FOLDS"] == "7"
    template = "{{ ds }}"
    assert instance(two(env=env), template) == ({"FOLDS": "5", "TOKEN": None, "COUNTRY": template}, template)
    assert len(instance(two(env=env), "x" * 999)[1]) == 200


def test_the_configuration_of_a_run_cannot_replace_the_item() -> None:
    with rendering_fails(ValueError, match="would replace each item"):
        instance(two(), "DE", {"for_each.item": "; rm -rf /"})


def test_other_keys_of_a_mapped_job() -> None:
    dag = two(
        flavor=CARD,
        when="{{ params.folds }}",
        group="load",
        timeout=60,
        volumes=(model.Volume(name="v", mount_path="/v", kind="pvc", source="v"),),
    )
    task = dag.task_dict["each"].unmap({"params": {"for_each.item": "DE"}})
    assert task.pool == "gpu"
    assert task.execution_timeout.total_seconds() == 60
    assert task._pre_execute_hook.text == "{{ params.folds }}"
    pod = task.build_pod_request_obj(dry_run=True)
    assert pod.spec.containers[0].volume_mounts[0].mount_path == "/v"
    assert dag.task_dict["each"].task_group.group_id == "load"
    assert "once per item of `list`, as `COUNTRY`" in dag.doc_md


def test_the_scheduler_reads_it_from_the_serialized_dag() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    stored = DagSerialization.to_dict(two(env=(SECRET,), when="{{ true }}"))
    text = json.dumps(stored)
    assert " object at 0x" not in text
    assert "<function" not in text
    task = DagSerialization.from_dict(stored).get_task("each")
    assert task.is_mapped
    assert task.upstream_task_ids == {"list"}
    assert json.dumps(DagSerialization.to_dict(two(env=(SECRET,), when="{{ true }}"))) == text


def test_the_output_of_one_mapped_instance_is_a_list() -> None:
    from dag_factory.build.worker.templates.item import GroupItems
    from dag_factory.build.worker.templates.output_function import OutputFunction

    def pulled(task_ids: list[str], key: str) -> list[Any]:
        return [{"a": 1}] if key == "return_value" and task_ids == ["each"] else []

    output_function = OutputFunction({"grid": ("each", "each")}, frozenset({"each"}), GroupItems({}, {}))
    context: Any = {"ti": SimpleNamespace(xcom_pull=pulled)}
    assert output_function(context, "each") == [{"a": 1}]
    assert output_function(context, "grid") == [[{"a": 1}], [{"a": 1}]]


@pytest.mark.parametrize(
    ("values", "nulls", "output"),
    [([None], [True], [None]), ([None], [None], []), ([1, None], [True], [1, None]), ([1], [None], [1])],
)
def test_a_null_is_in_the_list_and_a_missing_output_is_not(
    values: list[Any], nulls: list[Any], output: list[Any]
) -> None:
    from dag_factory.build.worker.outputs import NULL_KEY
    from dag_factory.build.worker.templates.output_function import OutputFunction

    def pulled(task_ids: list[str], key: str) -> list[Any]:
        return {"return_value": values, NULL_KEY: nulls}[key] if task_ids == ["each"] else []

    context: Any = {"ti": SimpleNamespace(xcom_pull=pulled)}
    assert OutputFunction({}, frozenset({"each"}))(context, "each") == output
