"""The links of a task in Airflow: to its pod in a dashboard and to its line on the git host."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from airflow.serialization.serialized_objects import DagSerialization
from building import OVER_LIST, a_job, a_pipeline, built

from dag_factory.build.worker.callbacks.task_links import pod_url, source_url
from dag_factory.config import model

BOTH = model.Links(
    pod="https://k8s.example.com/#/pod/{namespace}/{name}",
    source="https://git.example.com/acme/blob/main/{path}#L{line}",
)
URL = "https://git.example.com/acme/blob/main/configs/pipelines/growth/churn.yaml#L14"


def stored(links: model.Links, **job: Any) -> dict[str, Any]:
    """Return the links of the task in the DAG as Airflow stores it."""
    dag = DagSerialization.serialize_dag(built(a_pipeline(a_job(**job), links=links)))
    found: dict[str, Any] = dag["tasks"][0]["__var"].get("_operator_extra_links", {})
    return found


@pytest.mark.parametrize(
    "job", [{}, {"for_each": OVER_LIST}, {"deferrable": True}], ids=["plain", "mapped", "deferred"]
)
def test_airflow_stores_the_names_of_the_links_and_no_url(job: dict[str, Any]) -> None:
    assert stored(BOTH, **job) == {"Pod": "dagwright_pod_link", "Source": "dagwright_source_link"}
    assert stored(model.Links(source=BOTH.source), **job) == {"Source": "dagwright_source_link"}
    assert stored(model.Links(), **job) == {}


def test_a_moved_job_and_another_url_create_no_version() -> None:
    def text(links: model.Links, line: int, **job: Any) -> str:
        pipeline = a_pipeline(a_job(line=line, **job), links=links)
        return json.dumps(DagSerialization.serialize_dag(built(pipeline)), sort_keys=True, default=str)

    other = msgspec.structs.replace(BOTH, source="https://other.example.com/{path}")
    for job in ({}, {"for_each": OVER_LIST}):
        assert text(BOTH, 14, **job) == text(other, 99, **job)


def test_the_urls_are_pushed_before_and_after_the_pod_is_created() -> None:
    task = built(a_pipeline(a_job(line=14), links=BOTH)).task_dict["main"]
    pushed: dict[str, str] = {}
    context = {"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))}
    (callback,) = [one for one in task.callbacks if repr(one) == "PushLinks()"]
    callback.on_pod_manifest_created(context=context)
    assert pushed == {"dagwright_source_link": URL}
    pod = SimpleNamespace(metadata=SimpleNamespace(namespace="ml-prod", name="churn-main-x1"))
    callback.on_pod_creation(pod=pod, context=context)
    assert pushed["dagwright_pod_link"] == "https://k8s.example.com/#/pod/ml-prod/churn-main-x1"


def test_a_link_that_cannot_be_stored_does_not_fail_the_job() -> None:
    task = built(a_pipeline(a_job(line=14), links=BOTH)).task_dict["main"]
    (callback,) = [one for one in task.callbacks if repr(one) == "PushLinks()"]

    def fail(**_: Any) -> None:
        raise OSError("no connection")

    callback.on_pod_manifest_created(context={"ti": SimpleNamespace(xcom_push=fail)})


def test_at_the_end_of_the_task_airflow_gets_the_same_url() -> None:
    task = built(a_pipeline(a_job(), links=BOTH)).task_dict["main"]
    values = {"dagwright_pod_link": "https://k8s.example.com/x"}
    ti = SimpleNamespace(task_id="main", map_index=-1, xcom_pull=lambda key, **_: values.get(key))
    assert {one.name: one.get_link(task, ti_key=ti) for one in task.operator_extra_links} == {
        "Pod": "https://k8s.example.com/x",
        "Source": "",
    }


def test_values_in_urls_are_quoted() -> None:
    assert source_url("https://x/{path}#L{line}", "configs/a b.yaml", 0) == "https://x/configs/a%20b.yaml#L1"
    assert pod_url("https://x/{namespace}/{name}", "a", "b?c") == "https://x/a/b%3Fc"
