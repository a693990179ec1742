"""The pipelines that are translated from real workflow files: Airflow accepts them with their graphs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from dag_factory.build.dag.build_dag import build_dag
from dag_factory.config import open_project

HOME = Path(__file__).parents[1] / "real"
FACTS = json.loads((HOME / "facts.json").read_text("utf-8"))


@pytest.mark.parametrize("name", FACTS)
def test_the_graph_that_airflow_stores(name: str) -> None:
    facts = FACTS[name]
    (pipeline,) = open_project(HOME, facts["environment"]).compile_one(name).pipelines
    stored = DagSerialization.to_dict(build_dag(pipeline))["dag"]
    tasks = {task["__var"]["task_id"]: task["__var"] for task in stored["tasks"]}
    assert len(tasks) == facts["tasks"]
    for job in pipeline.jobs:
        after = sorted(other.name for other in pipeline.jobs if job.name in other.depends_on)
        assert sorted(tasks[job.name].get("downstream_task_ids", ())) == after
        assert len(tasks[job.name]["env_vars"]) == len(job.env)
