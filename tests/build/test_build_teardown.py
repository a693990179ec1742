"""Teardowns are Airflow's: the trigger rule, the setups, and their effect on a run."""

from __future__ import annotations

from typing import Any

from building import a_job, a_pipeline, built

from dag_factory.config import model


def three(**fields: Any) -> Any:
    jobs = (
        a_job("create"),
        a_job("train", depends_on=("create",)),
        a_job("delete", teardown_of=("create",), depends_on=("create", "train"), **fields),
    )
    return built(a_pipeline(*jobs))


def test_a_teardown() -> None:
    dag = three()
    delete = dag.task_dict["delete"]
    assert delete.is_teardown
    assert delete.trigger_rule == "all_done_setup_success"
    assert delete.upstream_task_ids == {"create", "train"}
    assert dag.task_dict["create"].is_setup
    assert not dag.task_dict["train"].is_setup
    dag.validate_setup_teardown()
    # `train` decides the state of the run, not a teardown that succeeds after it failed
    assert not delete.on_failure_fail_dagrun
    assert "tears down `create`, even after a failure" in dag.doc_md


def test_the_scheduler_reads_it_from_the_serialized_dag() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for each in (None, model.ForEach(variable="A", items=("x",))):
        dag = DagSerialization.from_dict(DagSerialization.to_dict(three(for_each=each)))
        delete = dag.get_task("delete")
        assert delete.is_teardown
        assert delete.trigger_rule == "all_done_setup_success"
        assert dag.get_task("create").is_setup
