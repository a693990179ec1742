"""Which tasks and DAGs have callbacks for alerts, and what Airflow stores of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization
from building import OVER_LIST, a_job, a_pipeline, built
from loading import CONTEXT, loaded, project, write

from dag_factory.build.alerts.kept_alerts import DAG_ID
from dag_factory.build.alerts.links import runbook_link
from dag_factory.config.model import Alerts, Channel, Links
from dag_factory.config.project.open_project import open_project

CHANNELS = (Channel(name="oncall", kind="email", to=("a@example.com",)),)
ONCALL = ("oncall",)


def callbacks(run: Alerts, *jobs: Any, **fields: Any) -> dict[str, set[str]]:
    """The events with a callback, of the DAG and of each task, as Airflow stores them."""
    dag = built(a_pipeline(*jobs, alerts=run, channels=CHANNELS, **fields))
    data = DagSerialization.to_dict(dag)["dag"]
    found = {"": data} | {task["__var"]["task_id"]: task["__var"] for task in data["tasks"]}
    partial = {name: {**one, **one.get("partial_kwargs", {})} for name, one in found.items()}
    return {
        name: {key.removeprefix("has_on_").removesuffix("_callback") for key in one if key.startswith("has_on_")}
        for name, one in partial.items()
    }


def test_without_alerts_only_a_failed_run_has_a_callback() -> None:
    """It deletes pods that the run left behind. A run with a failed job can succeed if a job runs after failures."""
    assert callbacks(Alerts(), a_job("a")) == {"": {"failure"}, "a": set()}
    assert callbacks(Alerts(), a_job("a", trigger_rule="all_done"))[""] == {"failure", "success"}
    assert callbacks(Alerts(on_failure=ONCALL), a_job("a"), alerts_enabled=False) == {"": {"failure"}, "a": set()}


def test_alerts_of_a_job() -> None:
    job = a_job("a", alerts=Alerts(on_failure=ONCALL, on_retry=ONCALL))
    # The DAG has a callback, too: if the process of a task is killed, Airflow runs no callback of the task.
    assert callbacks(Alerts(), job, a_job("b")) == {"": {"failure"}, "a": {"failure", "retry"}, "b": set()}
    hidden = a_job("b", trigger_rule="all_done")
    assert callbacks(Alerts(), job, hidden)[""] == {"failure", "success"}
    job = a_job("a", alerts=Alerts(on_recovery=ONCALL))
    assert callbacks(Alerts(), job) == {"": {"failure"}, "a": {"failure", "success"}}


def test_alerts_of_a_pipeline() -> None:
    jobs = (a_job("a"), a_job("b"))
    assert callbacks(Alerts(on_success=ONCALL), *jobs) == {"": {"failure", "success"}, "a": set(), "b": set()}
    # Each task stores why it failed, for the alert of the run.
    assert callbacks(Alerts(on_failure=ONCALL), *jobs) == {"": {"failure"}, "a": {"failure"}, "b": {"failure"}}
    assert callbacks(Alerts(on_retry=ONCALL), *jobs) == {"": {"failure"}, "a": {"retry"}, "b": {"retry"}}


def test_the_run_sends_the_alerts_of_a_mapped_job() -> None:
    job = a_job("a", for_each=OVER_LIST, alerts=Alerts(on_failure=ONCALL, on_success=ONCALL))
    # A run can succeed although an instance failed, so both ends of the run look.
    assert callbacks(Alerts(), job) == {"": {"failure", "success"}, "a": {"failure"}}


def test_an_alert_links_to_the_verdict_in_the_runbook() -> None:
    links = Links(runbook="https://wiki.example.com/on-call#{verdict}")
    pipeline = a_pipeline(a_job("a"), links=links)
    assert [one.url for one in runbook_link(pipeline, "node-lost")] == ["https://wiki.example.com/on-call#node-lost"]
    assert runbook_link(pipeline, "") == runbook_link(a_pipeline(a_job("a")), "node-lost") == ()


def test_what_airflow_stores_depends_on_no_channel_link_or_line() -> None:
    def stored(address: str, line: int) -> str:
        channels = (Channel(name="oncall", kind="email", to=(address,)),)
        jobs = (a_job("a", line=line), a_job("b", for_each=OVER_LIST, line=line))
        links = Links(source=f"https://git.example.com/{address}/{{path}}")
        alerts = Alerts(on_failure=ONCALL, on_retry=ONCALL)
        pipeline = a_pipeline(*jobs, alerts=alerts, channels=channels, links=links)
        data = DagSerialization.to_dict(built(pipeline))
        return json.dumps(data, sort_keys=True, default=str)

    assert stored("a@example.com", 3) == stored("b@example.com", 9)


def test_tasks_share_their_callbacks() -> None:
    jobs = tuple(a_job(name, alerts=Alerts(on_failure=ONCALL)) for name in "ab")
    dag = built(a_pipeline(*jobs, channels=CHANNELS))
    first, second = (dag.get_task(name).on_failure_callback[0] for name in "ab")
    assert first.__self__ is second.__self__


@pytest.mark.parametrize(
    ("channels", "environment", "expected"),
    [("{a: {webhook: {connection: b}}}", "", True), ("{}", "", False),
     ("{a: {webhook: {connection: b}}}", "alerts: {enabled: false}", False)],
)  # fmt: skip
def test_the_dag_for_kept_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: str, environment: str, expected: bool
) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    home = project(tmp_path)
    write(home, "platform/alerts.yaml", f"version: 1\nchannels: {channels}\n")
    write(home, "platform/environments/local.yaml", f"version: 1\n{environment}\n")
    pipelines = {"growth.churn", "growth.uplift"}
    assert set(loaded(home)) == ({*pipelines, DAG_ID} if expected else pipelines)
    monkeypatch.setenv(CONTEXT, DAG_ID)  # as a worker that runs it
    assert set(loaded(home)) == {DAG_ID}


def test_the_model_has_the_line_of_each_job(tmp_path: Path) -> None:
    home = project(tmp_path)
    found = open_project(home, "local").compile_all().pipelines
    assert [job.line for one in found for job in one.jobs] == [6, 6]
