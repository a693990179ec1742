"""The labels of pods: the names that Airflow's operator gives them."""

from __future__ import annotations

import pytest
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

from dag_factory.pods.job_pod import TaskLabels, label_of, read_job_pod

POD = {
    "metadata": {
        "name": "p",
        "uid": "u",
        "creationTimestamp": "2026-11-30T12:00:00Z",
        "labels": {
            "dag_id": "growth.churn",
            "run_id": "manual__2026-11-30",
            "task_id": "train",
            "try_number": "2",
            "map_index": "3",
            "dagwright/pipeline": "growth.churn",
            "dagwright/job": "train",
        },
    },
    "spec": {"containers": [{"name": "base"}]},
    "status": {"phase": "Running"},
}


@pytest.mark.parametrize(
    "name",
    [
        "growth.churn",
        "manual__2026-11-30T21:02:03.123456+00:00",
        "scheduled__2026-11-30T00:00:00+00:00_Ab3",
        "a" * 63,
        "a" * 64,
        "-a-",
        "é",
        "",
        "a b\n",
    ],
)
def test_a_name_gets_the_label_that_the_operator_writes(name: str) -> None:
    assert label_of(name) == make_safe_label_value(name)


def test_the_pod_of_a_mapped_job_is_read() -> None:
    found = read_job_pod(POD)
    assert found is not None
    assert found.task == TaskLabels("growth.churn", "manual__2026-11-30", "train", 3)
    assert (found.try_number, found.job, found.created, found.checked) == (2, "train", 1796040000.0, False)


def test_a_pod_of_something_else_is_left_out() -> None:
    labels = {key: value for key, value in POD["metadata"]["labels"].items() if key != "dagwright/pipeline"}  # type: ignore[attr-defined]
    assert read_job_pod({**POD, "metadata": {**POD["metadata"], "labels": labels}}) is None  # type: ignore[dict-item]
    assert read_job_pod("no pod") is None
