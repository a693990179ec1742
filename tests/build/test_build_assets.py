"""Assets reach Airflow: in a DAG's schedule, and as inlets and outlets of tasks."""

from __future__ import annotations

from typing import Any

import pytest
from building import a_job, a_pipeline, built, task_of

from dag_factory.config import asset_uris, model
from dag_factory.config.model import AllOf, AnyOf, Assets

A, B = model.Asset(name="s3://sales/orders"), model.Asset(name="prices", uri="s3://sales/prices")


def condition(node: Any) -> Any:
    """Airflow's condition in short."""
    inner = getattr(node, "objects", None)
    return {type(node).__name__: [condition(one) for one in inner]} if inner else (node.name, node.uri)


ORDERS, PRICES = ("s3://sales/orders", "s3://sales/orders"), ("prices", "s3://sales/prices")


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (A, {"AssetAll": [ORDERS]}),
        (AllOf(of=(A, B)), {"AssetAll": [ORDERS, PRICES]}),
        (AnyOf(of=(A, B)), {"AssetAny": [ORDERS, PRICES]}),
        (AllOf(of=(A, AnyOf(of=(B, A)))), {"AssetAll": [ORDERS, {"AssetAny": [PRICES, ORDERS]}]}),
    ],
)
def test_a_schedule_of_assets(rule: model.AssetRule, wanted: Any) -> None:
    timetable = built(a_pipeline(schedule=Assets(rule=rule))).timetable
    assert type(timetable).__name__ == "AssetTriggeredTimetable"
    assert condition(timetable.asset_condition) == wanted


def test_cron_beside_assets() -> None:
    schedule = Assets(rule=AllOf(of=(A,)), cron=("0 3 * * *",))
    timetable = built(a_pipeline(schedule=schedule, timezone="Europe/Berlin")).timetable
    assert type(timetable).__name__ == "AssetOrTimeSchedule"
    assert timetable.timetable.expression == "0 3 * * *"
    assert str(timetable.timetable.timezone) == "Europe/Berlin"
    assert condition(timetable.asset_condition) == {"AssetAll": [ORDERS]}


def test_inlets_and_outlets() -> None:
    task = task_of(a_job(inlets=(A,), outlets=(B,)))
    assert [(one.name, one.uri) for one in task.inlets] == [ORDERS]
    assert [(one.name, one.uri) for one in task.outlets] == [PRICES]


def test_the_scheduler_reads_them_from_the_serialized_dag() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    pipeline = a_pipeline(a_job(outlets=(B,)), schedule=Assets(rule=AnyOf(of=(A, B)), cron=("0 3 * * *",)))
    dag = DagSerialization.from_dict(DagSerialization.to_dict(built(pipeline)))
    assert condition(dag.timetable.asset_condition) == {"SerializedAssetAny": [ORDERS, PRICES]}
    assert [one.name for one in dag.get_task("main").outlets] == ["prices"]


@pytest.mark.parametrize(
    "text", ["s3://sales/orders", "x-mine://A/b/", "file:///data/x", "churn model", "s3://sales/orders?a=1&b=2"]
)
def test_airflow_accepts_the_names_that_the_compiler_accepts(text: str) -> None:
    from dag_factory.build.dag.schedule import asset

    assert asset(model.Asset(name=text)).uri == text


HOSTS = ("", "host", "host:", "host:81", "me@host", "Host.acme.io")
PATHS = ("", "/", "//", "/a", "/a/", "/a//b///", "/a/b/c", "/A b/%20", "/a;p=1")
ENDS = ("", "?", "?b=1&a=2", "?a=&b", "#f", "?a=2&a=1#f")


@pytest.mark.parametrize("scheme", ["s3", "S3", "gs", "file", "http", "hdfs", "x-mine", "X-Mine", "churn"])
def test_a_uri_is_written_as_the_installed_airflow_stores_it(scheme: str) -> None:
    from airflow.sdk import Asset

    for text in (f"{scheme}://{host}{path}{end}" for host in HOSTS for path in PATHS for end in ENDS):
        assert asset_uris.normalize(text) == Asset(name="x", uri=text).uri, text
        assert asset_uris.normalize(asset_uris.normalize(text)) == asset_uris.normalize(text), text


@pytest.mark.parametrize("text", ["churn model", "a/b/", "a: b", "C:/data/", "file:/a/", "s3:a/", "//host/a/"])
def test_other_text_is_written_as_the_installed_airflow_stores_it(text: str) -> None:
    from airflow.sdk import Asset

    assert asset_uris.normalize(text) == Asset(name="x", uri=text).uri


@pytest.mark.parametrize(("scheme", "names"), [("postgresql", 3), ("mysql", 2), ("trino", 3), ("redshift", 3)])
def test_the_uri_of_a_table_is_stable(scheme: str, names: int) -> None:
    from airflow.sdk import Asset

    stored = asset_uris.normalize(f"{scheme}://host{'/a' * names}/")
    assert asset_uris.normalize(stored) == stored == Asset(name="x", uri=stored).uri
    assert not asset_uris.missing_for_provider(stored)
