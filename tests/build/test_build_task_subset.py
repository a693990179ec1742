"""Which tasks a worker builds: its own, the same as in the whole DAG, and few others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization
from building import a_job, a_pipeline, built, rich_pipeline

from dag_factory.build.dag.build_dag import build_dag
from dag_factory.config import model, open_project

SHIPPED = Path(__file__).parents[2]
REAL = Path(__file__).parents[1] / "real"
CHAIN = a_pipeline(*(a_job(f"step-{n}", depends_on=(f"step-{n - 1}",) if n else ()) for n in range(100)))


def built_for(pipeline: model.Pipeline, task: str) -> Any:
    return build_dag(pipeline, with_docs=False, only_task=task)


def facts(dag: Any, task: str) -> Any:
    """Everything that Airflow stores of a task, and what its runner reads from it."""
    stored = {one["__var"]["task_id"]: one["__var"] for one in DagSerialization.to_dict(dag)["dag"]["tasks"]}
    found = dag.task_dict[task]
    dependants = sorted(other.task_id for other in found.iter_mapped_dependants())
    return stored[task], found.upstream_task_ids, dependants, found.is_setup, found.is_teardown, dag.timezone.name


@pytest.mark.parametrize(("home", "environment"), [(SHIPPED, "local"), (REAL, "production")], ids=["shipped", "real"])
def test_each_task_is_the_same_as_in_the_whole_dag(home: Path, environment: str) -> None:
    pipelines = open_project(home, environment).compile_all().pipelines
    assert len(pipelines) > 2
    for pipeline in (*pipelines, rich_pipeline()):
        whole = build_dag(pipeline, with_docs=False)
        for job in pipeline.jobs:
            assert facts(built_for(pipeline, job.name), job.name) == facts(whole, job.name)


def test_only_the_task_and_its_neighbors_are_built() -> None:
    assert list(built_for(CHAIN, "step-50").task_dict) == ["step-49", "step-50", "step-51"]
    assert list(built_for(CHAIN, "step-0").task_dict) == ["step-0", "step-1"]


def test_the_source_of_a_list_is_built_too() -> None:
    def over(name: str, output: str) -> model.Job:
        return a_job(name, for_each=model.ForEach(variable="ITEM", output=output), depends_on=(output,), output=True)

    pipeline = a_pipeline(
        a_job("other"),
        a_job("list", output=True),
        over("first", "list"),
        over("second", "first"),
        a_job("last", depends_on=("second",)),
    )
    assert sorted(built_for(pipeline, "last").task_dict) == ["first", "last", "list", "second"]


def test_a_teardown_stays_one_if_its_setup_is_not_a_neighbor() -> None:
    pipeline = a_pipeline(
        a_job("create"), a_job("work"), a_job("delete", depends_on=("work",), teardown_of=("create",))
    )
    dag = built_for(pipeline, "work")
    assert sorted(dag.task_dict) == ["delete", "work"]
    assert dag.task_dict["delete"].is_teardown


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("{{ dag.task_ids | join }}", 100),
        ("{% for one in ti.task.dag.tasks %}x{% endfor %}", 100),
        ("{{ task.get_flat_relative_ids() }}", 100),
        ("{{\ndag.task_ids | join }}", 100),
        ("{{\tdag.task_ids | join }}", 100),
        ("{{\x1fdag.task_ids | join }}", 100),
        ("{{ ds }}", 2),
        ("{{ dag_run.run_type }}", 2),
        ("a dag of a task", 2),
    ],
)
def test_a_template_that_reads_the_dag_finds_all_tasks(text: str, count: int) -> None:
    first = a_job("step-0", env=(model.EnvVar(name="A", value=text),))
    pipeline = a_pipeline(first, *CHAIN.jobs[1:])
    assert len(built_for(pipeline, "step-0").task_dict) == count


def test_a_dag_policy_gets_the_whole_dag() -> None:
    from airflow import settings
    from airflow.policies import hookimpl

    class Policy:
        @hookimpl
        def dag_policy(self, dag: Any) -> None:
            """Add a last step to every DAG, as a platform might."""

    policy = Policy()
    plugins = settings.get_policy_plugin_manager()
    plugins.register(policy)
    try:
        assert len(built_for(CHAIN, "step-50").task_dict) == 100
    finally:
        plugins.unregister(policy)
    assert len(built_for(CHAIN, "step-50").task_dict) == 3


def test_an_unknown_task_builds_the_whole_dag() -> None:
    assert len(built_for(CHAIN, "step-100").task_dict) == len(built(CHAIN).task_dict) == 100
