"""Task groups: nested, and not part of the ids of tasks."""

from __future__ import annotations

from building import a_job, a_pipeline, built


def test_groups_are_nested_and_not_part_of_task_ids() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    jobs = (a_job("a", group="load.sales"), a_job("b", group="load", depends_on=("a",)), a_job("c", depends_on=("b",)))
    dag = built(a_pipeline(*jobs))
    assert list(dag.task_dict) == ["a", "b", "c"]
    assert list(dag.task_group.children) == ["load", "c"]
    load = dag.task_group.children["load"]
    assert list(load.children) == ["load__sales", "b"]
    assert [load.label, load.children["load__sales"].label] == ["load", "sales"]
    read = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    groups = read.task_group.get_task_group_dict()
    assert list(groups["load__sales"].children) == ["a"]
    assert read.get_task("b").upstream_task_ids == {"a"}


def test_a_nested_group_is_created_with_its_parents() -> None:
    dag = built(a_pipeline(a_job("a", group="x.y.z"), a_job("b", group="x.y")))
    assert sorted(name for name in dag.task_group.get_task_group_dict() if name) == ["x", "x__y", "x__y__z"]
