"""The records of tries fit into the messages with which a task stores values in Airflow."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from airflow.sdk.execution_time.comms import SetTaskStateStore, SetXCom

from dag_factory.build.worker.tries import records
from dag_factory.verdicts.history import KEY, History, TryRecord


class Store:
    """Checks values as Airflow does before it sends them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def set(self, key: str, value: Any) -> None:
        ti_id = UUID("01a22e4d-fc94-7217-974d-99cc12da2100")
        SetTaskStateStore(ti_id=ti_id, key=key, value=value, expires_at=None)
        self.values[key] = value

    def get(self, key: str) -> Any:
        return self.values.get(key)


def test_records_can_be_stored_and_read_again() -> None:
    pushed: dict[str, Any] = {}

    def push(key: str, value: Any) -> None:
        SetXCom(key=key, value=value, dag_id="d", run_id="r", task_id="t")
        pushed[key] = value

    store = Store()
    context = {"ti": SimpleNamespace(max_tries=2, xcom_push=push), "task_state_store": store}
    first = TryRecord(number=1, flavor="cpu-small", kind="out-of-memory", sentence="out of memory", exit_code=137)
    history = History(max_tries=2, tries=(first, TryRecord(number=2, flavor="cpu-medium")), flavor="cpu-medium")
    records.save(context, history)
    assert records.load(context) == history
    assert [one["number"] for one in pushed[records.XCOM_KEY]] == [1, 2]
    assert store.values[KEY]["flavor"] == "cpu-medium"
