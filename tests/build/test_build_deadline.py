"""The deadline of a run: its moment, what Airflow stores, and what Airflow does with it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.deadline import Deadline
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.tasklog import LogTemplate
from airflow.plugins_manager import get_deadline_references_plugins
from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from building import a_job, a_pipeline
from loading import loaded, project, write
from sqlalchemy import select

from dag_factory.build.dag.build_dag import build_dag
from dag_factory.build.deadlines import REFERENCES, TimeOfDay, next_time
from dag_factory.build.plugin import DagFactoryPlugin
from dag_factory.config import model

CHANNELS = (
    model.Channel(name="chat", kind="slack", connection="slack_ml", channel="#ml"),
    model.Channel(name="oncall", kind="email", to=("oncall@example.com",)),
    model.Channel(name="other", kind="email", to=("other@example.com",)),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("by", "zone", "queued", "want"),
    [
        ("07:00", "UTC", "2026-03-01T02:00", "2026-03-01T07:00"),
        ("07:00", "UTC", "2026-03-01T08:00", "2026-03-02T07:00"),
        ("07:00", "UTC", "2026-03-01T07:00", "2026-03-02T07:00"),
        ("07:00", "UTC", "2026-03-01T06:59:59.9", "2026-03-01T07:00"),
        ("07:00", "UTC", "2026-12-31T08:00", "2027-01-01T07:00"),
        # The day is the one of the zone: in Auckland it is already 09:00 on March 2.
        ("10:00", "Pacific/Auckland", "2026-03-01T20:00", "2026-03-01T21:00"),
        ("08:00", "Pacific/Auckland", "2026-03-01T20:00", "2026-03-02T19:00"),
        # Berlin: winter time is UTC+1, summer time UTC+2.
        ("07:00", "Europe/Berlin", "2026-01-15T02:00", "2026-01-15T06:00"),
        ("07:00", "Europe/Berlin", "2026-07-15T02:00", "2026-07-15T05:00"),
        # The clock goes from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC.
        ("07:00", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T05:00"),
        ("02:30", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T01:30"),
        ("02:30", "Europe/Berlin", "2026-03-29T01:15", "2026-03-29T01:30"),
        ("02:30", "Europe/Berlin", "2026-03-29T01:45", "2026-03-30T00:30"),
        ("03:00", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T01:00"),
        # The clock goes from 03:00 to 02:00 on 2026-10-25 at 01:00 UTC.
        ("07:00", "Europe/Berlin", "2026-10-25T00:15", "2026-10-25T06:00"),
        ("02:30", "Europe/Berlin", "2026-10-25T00:15", "2026-10-25T00:30"),
        ("02:30", "Europe/Berlin", "2026-10-25T00:45", "2026-10-25T01:30"),
        ("02:30", "Europe/Berlin", "2026-10-25T01:45", "2026-10-26T01:30"),
        # Lord Howe moves its clock by half an hour: from 02:00 to 02:30 on 2026-10-04 at 15:30 UTC of the day before.
        ("02:15", "Australia/Lord_Howe", "2026-10-03T15:00", "2026-10-03T15:45"),
        # Samoa had no 2011-12-30 at all.
        ("07:00", "Pacific/Apia", "2011-12-29T18:00", "2011-12-30T17:00"),
    ],
)
def test_a_time_of_day_is_the_next_one_on_the_clock_of_the_zone(by: str, zone: str, queued: str, want: str) -> None:
    assert next_time(by, zone, utc(queued)) == utc(want)


def test_a_deadline_is_always_after_its_run_and_at_most_two_days_later() -> None:
    for zone in ("Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "America/New_York"):
        for hour in range(0, 24 * 366, 5):
            queued = utc("2026-01-01T00:17") + timedelta(hours=hour)
            late = next_time("02:30", zone, queued) - queued
            assert timedelta(0) < late <= timedelta(hours=25), (zone, queued)


def stored(pipeline: model.Pipeline) -> dict[str, Any]:
    """What Airflow stores of the deadline."""
    found = DagSerialization.to_dict(build_dag(pipeline))["dag"].get("deadline")
    assert found is None or len(found) == 1
    result: dict[str, Any] = found[0] if found else {}
    return result


def test_no_deadline() -> None:
    assert build_dag(a_pipeline()).deadline is None


def test_paths_that_airflow_stores() -> None:
    """Airflow imports these paths for DAG versions of any age, so they must never change."""
    by = stored(a_pipeline(deadline_by="07:00", timezone="Europe/Berlin"))
    assert by["reference"] == {
        "reference_type": "TimeOfDay",
        "by": "07:00",
        "timezone": "Europe/Berlin",
        "__class_path": "dag_factory.build.deadlines.TimeOfDay",
    }
    assert by["name"] == "by 07:00 (Europe/Berlin)"
    after = stored(a_pipeline(deadline=5400))
    assert after["reference"] == {
        "reference_type": "RunQueued",
        "__class_path": "dag_factory.build.deadlines.RunQueued",
    }
    assert after["name"] == "within 1h30m after it is queued"
    assert "dag_factory.build.deadlines.alert_missed_deadline" in json.dumps(after["callback"])


def test_a_deadline_stores_only_its_own_channels_and_no_positions() -> None:
    pipeline = a_pipeline(
        a_job(alerts=model.Alerts(on_deadline=("chat",), on_failure=("other",))),
        deadline=60,
        alerts=model.Alerts(on_deadline=("oncall",)),
        channels=CHANNELS,
    )
    text = json.dumps(stored(pipeline))
    assert "oncall@example.com" in text and "slack_ml" in text
    assert "other" not in text
    for word in ("http", "commit", '"line', "/tmp", "/home"):
        assert word not in text
    assert stored(pipeline) == stored(pipeline)


def test_alerts_that_are_off_are_not_stored() -> None:
    alerts = model.Alerts(on_deadline=("oncall",))
    pipeline = a_pipeline(deadline=60, alerts=alerts, channels=CHANNELS, alerts_enabled=False)
    assert "oncall" not in json.dumps(stored(pipeline))


def test_the_plugin_registers_the_references() -> None:
    assert DagFactoryPlugin.deadline_references == REFERENCES
    paths = {"dag_factory.build.deadlines.RunQueued", "dag_factory.build.deadlines.TimeOfDay"}
    assert paths <= set(get_deadline_references_plugins())


def test_a_reference_survives_storing() -> None:
    reference = TimeOfDay("07:00", "Europe/Berlin")
    assert TimeOfDay.deserialize_reference(reference.serialize_reference()) == reference
    assert TimeOfDay("08:00", "Europe/Berlin") != reference
    assert TimeOfDay() != reference


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize("fields", [{"deadline": 7200}, {"deadline_by": "07:00", "timezone": "Europe/Berlin"}])
def test_airflow_computes_the_deadline_of_a_run_and_can_clear_it(fields: dict[str, Any]) -> None:
    """The whole way through Airflow's own code: store the DAG, create a run, read its deadline, clear its tasks."""
    dag_id = f"growth.{next(iter(fields))}"
    with create_session() as session:
        session.merge(DagBundleModel(name="deadlines"))
        session.merge(LogTemplate(id=1, filename="x", elasticsearch_id="x"))
        session.flush()
        session.add(DagModel(dag_id=dag_id, bundle_name="deadlines", is_paused=False))
        session.flush()
        for _ in range(3):
            data = DagSerialization.to_dict(build_dag(a_pipeline(id=dag_id, **fields)))
            SerializedDagModel.write_dag(LazyDeserializedDAG(data=data), bundle_name="deadlines", session=session)
            session.flush()
        assert len(session.scalars(select(DagVersion).where(DagVersion.dag_id == dag_id)).all()) == 1
        serialized = SerializedDagModel.get_dag(dag_id, session=session)
        assert serialized is not None
        run = serialized.create_dagrun(
            run_id="manual__1",
            run_after=datetime.now(timezone.utc),
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            session=session,
        )
        session.flush()
        (deadline,) = session.scalars(select(Deadline).where(Deadline.dagrun_id == run.id)).all()
        assert run.queued_at is not None
        want = next_time("07:00", "Europe/Berlin", run.queued_at) if "deadline_by" in fields else None
        assert deadline.deadline_time == (want or run.queued_at + timedelta(hours=2))
        # Airflow 3.3 raises here for its own reference of the moment at which a run is queued.
        instances = session.scalars(select(TaskInstance).where(TaskInstance.dag_id == dag_id)).all()
        assert instances
        clear_task_instances(list(instances), session, dag_run_state=DagRunState.QUEUED)
        session.rollback()


def test_an_edit_of_another_channel_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", "off")
    project(tmp_path)
    file = "pipelines/growth/churn.yaml"
    text = (tmp_path / "configs" / file).read_text()
    write(tmp_path, file, text + "deadline: {by: 07:00}\nalerts: {on_deadline: [oncall]}\n")
    channels = "version: 1\nchannels:\n  oncall: {email: {to: [oncall@example.com]}}\n"
    stored = []
    for others in (
        "",
        "  chat: {slack: {connection: c, channel: '#ml'}}\n",
        "  # a comment\n  hook: {webhook: {connection: h}}\n",
    ):
        write(tmp_path, "platform/alerts.yaml", channels + others)
        stored.append(json.dumps(DagSerialization.to_dict(loaded(tmp_path)["growth.churn"])["dag"], sort_keys=True))
    assert "oncall@example.com" in stored[0]
    assert stored[0] == stored[1] == stored[2]
