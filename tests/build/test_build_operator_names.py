"""What Airflow shows on the nodes of the graph and in the grid: the flavor and the size of each job."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization
from building import CARD, OVER_LIST, a_job, a_pipeline, built

from dag_factory.config import model


def shown(job: model.Job, **fields: Any) -> str:
    """Return the name that Airflow's API server reads from the stored DAG."""
    stored = DagSerialization.serialize_dag(built(a_pipeline(job, **fields)))
    return str(DagSerialization.deserialize_dag(stored).task_dict[job.name].operator_name)


@pytest.mark.parametrize(
    "job, name",
    [
        (a_job(), "cpu-small · 1 CPU, 2Gi"),
        (a_job(flavor=CARD), "gpu-t4 · 6 CPU, 24Gi, 2 × nvidia.com/gpu"),
        (a_job(flavor=model.Flavor(name="tiny")), "tiny"),
        (a_job(flavor=CARD, for_each=OVER_LIST), "gpu-t4 · 6 CPU, 24Gi, 2 × nvidia.com/gpu"),
        (a_job(deferrable=True), "cpu-small · 1 CPU, 2Gi"),
    ],
    ids=["plain", "gpu", "no-amounts", "mapped", "deferrable"],
)
def test_airflow_shows_the_flavor_and_the_size(job: model.Job, name: str) -> None:
    assert shown(job) == name


def test_the_jobs_of_a_mapped_group_show_their_flavor() -> None:
    assert shown(a_job(group="each", mapped_group="each"), groups={"each": OVER_LIST}) == "cpu-small · 1 CPU, 2Gi"


def test_the_task_that_makes_a_list_has_no_size() -> None:
    job = a_job(for_each=model.ForEach(param="days", own_task=True))
    stored = DagSerialization.serialize_dag(built(a_pipeline(job)))
    assert DagSerialization.deserialize_dag(stored).task_dict["main.items"].operator_name == "list, without a pod"


def test_the_size_follows_the_overlay_of_the_pod() -> None:
    resources = {"limits": {"cpu": "2", "memory": "8Gi", "nvidia.com/gpu": "1"}}
    overlay = {"spec": {"containers": [{"name": "base", "resources": resources}]}}
    assert shown(a_job(pod=overlay)) == "cpu-small · 2 CPU, 8Gi, 1 × nvidia.com/gpu"
