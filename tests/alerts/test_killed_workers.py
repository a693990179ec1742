"""The alerts about a try whose worker was killed: another process sends them, once, with the tries before it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from alert_servers import Facts, Mail
from test_run_alerts import ONCALL, end, job, subjects, text

from dag_factory.build.alerts.callbacks import AlertCallbacks
from dag_factory.build.worker.pods import earlier_pods
from dag_factory.build.worker.tries import records
from dag_factory.config.model import Alerts, Channel, Cluster, Pipeline
from dag_factory.verdicts.history import History, TryRecord

FIRST = TryRecord(number=1, flavor="small", size="1 CPU, 2Gi", kind="exit-code", sentence="exit code 3: no table")


class Ti(SimpleNamespace):
    """A task instance that keeps its XComs."""

    def model_copy(self, update: dict[str, Any]) -> Ti:
        return Ti(**{**vars(self), **update})


def task_instance(number: int, xcoms: dict[str, Any]) -> Ti:
    return Ti(
        dag_id="growth.churn",
        run_id="r",
        task_id="train",
        map_index=-1,
        try_number=number,
        max_tries=2,
        xcom_push=lambda key, value: xcoms.update({key: value}),
        xcom_pull=lambda key, **_: xcoms.get(key),
    )


def test_the_alert_of_a_killed_last_try_has_the_tries_before_it(api: Facts, mail: Mail) -> None:
    stored: dict[str, Any] = {}
    train = job("train", on_failure=ONCALL)
    records.save_started({"ti": task_instance(2, stored)}, History(max_tries=2, tries=(FIRST,)), train)
    api.states[("train", -1)] = "failed"
    api.xcoms[("train", -1, records.STARTED_KEY)] = stored[records.STARTED_KEY]
    end(train)
    assert subjects(mail) == {"oncall": ["train failed (killed)"]}
    tries = text(mail).partition("Tries:\n")[2].splitlines()
    assert "exit code 3: no table" in tries[0]
    assert tries[1].split()[:3] == ["try", "2", "small"]
    assert "ended from outside" in tries[1]


@pytest.mark.usefixtures("api")
def test_a_lost_try_that_is_repeated_is_reported_once(mail: Mail) -> None:
    train = job("train", on_retry=ONCALL)
    pipeline = Pipeline(
        id="growth.churn",  # type: ignore[arg-type]
        team="growth",
        name="churn",
        file="configs/pipelines/growth/churn.yaml",
        environment="prod",
        cluster=Cluster(),
        jobs=(train,),
        start_date="2026-01-01",
        alerts=Alerts(),
        channels=(Channel(name="oncall", kind="email", to=("oncall@example.com",)),),
    )
    callback = AlertCallbacks(pipeline).job_retried
    context: dict[str, Any] = {"ti": task_instance(2, {})}
    operator = SimpleNamespace(
        retries=2,
        on_retry_callback=[callback],
        _build_find_pod_label_selector=lambda *_, **__: "",
        client=SimpleNamespace(list_namespaced_pod=lambda *_, **__: SimpleNamespace(items=[])),
        log=SimpleNamespace(info=lambda *_: None, warning=lambda *_: None),
    )
    earlier_pods.prepare(operator, train, context, "default", lambda: None)
    assert subjects(mail) == {"oncall": ["train failed and is tried again (killed)"]}
    assert "the worker of this try was lost" in text(mail)
    callback({"ti": task_instance(1, {})})  # the DAG processor, after Airflow missed the heartbeat of the worker
    assert len(mail.received) == 1
