"""The alert about a run that missed its deadline, as Airflow's triggerer sends it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from alert_servers import Web, set_connection

from dag_factory.build.dag.deadline import deadline_alert
from dag_factory.build.deadlines import alert_missed_deadline
from dag_factory.config import model

CHANNELS = (
    model.Channel(name="oncall", kind="webhook", connection="oncall"),
    model.Channel(name="train-team", kind="webhook", connection="train_team"),
)
JOB = model.Job(name="train", flavor=model.Flavor(name="s", requests={}, limits={}), image="i")
PIPELINE = model.Pipeline(
    id="growth.churn",
    team="growth",
    name="churn",
    file="configs/pipelines/growth/churn.yaml",
    environment="prod",
    cluster=model.Cluster(),
    start_date="2026-01-01",
    jobs=(
        JOB,
        model.Job(name="report", flavor=JOB.flavor, image="i", alerts=model.Alerts(on_deadline=("train-team",))),
    ),
    owner=("ml",),
    timezone="Europe/Berlin",
    deadline_by="07:00",
    alerts=model.Alerts(on_deadline=("oncall",)),
    channels=CHANNELS,
)
STATES: dict[str, str | None] = {"load": "success", "train": "running", "report": None}


def miss(
    monkeypatch: pytest.MonkeyPatch, web: Web, state: str = "running", states: dict[str, str | None] | None = STATES
) -> dict[str, dict[str, Any]]:
    """Call the callback as Airflow does. Returns what the receivers got, by path."""
    for name in ("oncall", "train_team"):
        set_connection(monkeypatch, name, conn_type="http", host=f"http://127.0.0.1:{web.port}/{name}")

    def answer(**_: Any) -> Any:
        if states is None:
            raise RuntimeError("no answer")
        return {"scheduled__1": states}

    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(answer))
    alert = deadline_alert(PIPELINE)
    assert alert is not None
    context = {
        "dag_run": {"dag_id": "growth.churn", "dag_run_id": "scheduled__1", "state": state},
        "deadline": {"id": "1", "deadline_time": "2026-03-29T05:00:00+00:00"},
    }
    asyncio.run(alert_missed_deadline(**alert.callback.kwargs, context=context))
    return {path: body for path, _, body in web.requests}


@pytest.mark.usefixtures("api")
def test_a_run_that_continues(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    found = miss(monkeypatch, web)
    assert found.keys() == {"/oncall", "/train_team"}
    alert = found["/oncall"]
    assert alert["subject"] == "[prod] growth.churn missed its deadline (by 07:00 (Europe/Berlin))"
    assert alert["sentence"] == (
        "the run did not succeed by 07:00 (Europe/Berlin) (2026-03-29 05:00 UTC). It is running and continues;"
        " not finished: train (running), report (waiting)"
    )
    assert (alert["event"], alert["run"], alert["owner"]) == ("on_deadline", "scheduled__1", "ml")
    assert alert["links"][0]["url"].endswith("/dags/growth.churn/runs/scheduled__1")
    assert found["/train_team"]["job"] == "report"


@pytest.mark.usefixtures("api")
def test_a_job_that_is_finished_has_not_missed_the_deadline(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    assert miss(monkeypatch, web, states={**STATES, "report": "success"}).keys() == {"/oncall"}


@pytest.mark.usefixtures("api")
def test_a_run_that_has_failed(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = miss(monkeypatch, web, state="failed", states={"train": "failed", "report": "upstream_failed"})["/oncall"]
    assert alert["sentence"].startswith("the run has failed, so it did not succeed by 07:00")
    assert "the job that failed first" in alert["what_to_do"]


@pytest.mark.usefixtures("api")
def test_without_the_states_of_jobs_every_channel_gets_the_alert(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    assert miss(monkeypatch, web, states=None).keys() == {"/oncall", "/train_team"}
