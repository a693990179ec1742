"""A deleted pipeline in Airflow: what the loader asks, and what the DAG, its page and its tasks say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import GetTaskStates, TaskStatesResult
from building import a_job, a_pipeline
from loading import loaded, project

from dag_factory.build.project.activity import task_activity
from dag_factory.build.worker.try_failed import TryFailed

CONTEXT = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"
PIPELINE = a_pipeline(a_job("first"), a_job("middle", depends_on=("first",)), a_job("last", depends_on=("middle",)))
States = dict[str, dict[str, str | None]]


class Airflow:
    """Answers the requests of a process that parses DAG files, as Airflow's API does."""

    def __init__(self, states: States) -> None:
        self.states = states
        self.asked: list[GetTaskStates] = []

    def send(self, message: GetTaskStates) -> TaskStatesResult:
        self.asked.append(message)
        return TaskStatesResult(
            task_states={
                run: {task: state for task, state in tasks.items() if not message.task_ids or task in message.task_ids}
                for run, tasks in self.states.items()
                if not message.run_ids or run in message.run_ids
            }
        )


@pytest.mark.parametrize(
    ("states", "want"),
    [
        ({}, "none"),
        ({"r1": {"first": "success", "middle": "success", "last": "success"}}, "none"),
        ({"r1": {"first": "failed", "middle": "upstream_failed", "last": "upstream_failed"}}, "none"),
        ({"r1": {"first": "running", "middle": None, "last": None}}, "active"),
        ({"r1": {"first": "success", "middle": "up_for_retry", "last": None}}, "active"),
        ({"r1": {"first": "success", "middle": "deferred", "last": None}}, "active"),
        ({"r1": {"first": None, "middle": None, "last": None}}, "waiting"),
        ({"r1": {"last": "success"}, "r2": {"first": None, "last": None}}, "waiting"),
        ({"r1": {"last": None}, "r2": {"first": "queued", "last": None}}, "active"),
    ],
)
def test_the_states_of_tasks_tell_whether_a_run_is_unfinished(
    states: States, want: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow(states)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", airflow, raising=False)
    assert task_activity(PIPELINE) == want
    assert airflow.asked[0].task_ids == ["last"]  # not all tasks of all runs since the DAG exists


def test_a_process_that_cannot_ask_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(task_runner, "SUPERVISOR_COMMS", raising=False)
    assert task_activity(PIPELINE) == "unknown"
    failing = SimpleNamespace(send=lambda _: 1 / 0)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", failing, raising=False)
    assert task_activity(PIPELINE) == "unknown"


def test_the_dag_of_a_deleted_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    project(tmp_path)
    file = "configs/pipelines/growth/churn.yaml"
    before = loaded(tmp_path)["growth.churn"]
    airflow = Airflow({"r1": dict.fromkeys(before.task_dict, "running")})
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", airflow, raising=False)
    (tmp_path / file).unlink()
    assert "growth.churn" not in loaded(tmp_path)
    dag = loaded(tmp_path)["growth.churn"]
    assert list(dag.task_dict) == list(before.task_dict)
    assert (type(dag.timetable).__name__, "deleted" in dag.tags) == ("NullTimetable", True)
    assert dag.doc_md.startswith(f"### ⛔ Deleted: the file \\`{file}\\` was deleted or renamed")
    monkeypatch.setenv(CONTEXT, "growth.churn")
    (task,) = loaded(tmp_path)["growth.churn"].tasks
    ti: Any = SimpleNamespace(try_number=1, max_tries=0, _ti_context_from_server=SimpleNamespace())
    with pytest.raises(TryFailed) as raised:
        task._pre_execute_hook({"task": task, "ti": ti, "params": {}, "dag": dag})
    sentence = f"not started: the file `{file}` was deleted or renamed, so the runs of this pipeline end"
    assert raised.value.verdict.sentence == sentence
    assert raised.value.next_try.action == "fail"
    assert (
        f"{sentence}. To run the pipeline again, restore it, then clear the failed tasks. No further try" in caplog.text
    )
    monkeypatch.delenv(CONTEXT)
    airflow.states = {"r1": dict.fromkeys(before.task_dict, "failed")}
    assert "growth.churn" not in loaded(tmp_path)


def test_a_teardown_of_a_deleted_pipeline_runs() -> None:
    from dag_factory.build.dag.build_dag import build_dag
    from dag_factory.config.project.deleted import stop

    pipeline = a_pipeline(
        a_job("create"),
        a_job("use", depends_on=("create",)),
        a_job("delete", depends_on=("use",), teardown_of=("create",)),
    )
    tasks = build_dag(stop(pipeline, has_file=False)).task_dict
    assert [name for name, task in tasks.items() if task._pre_execute_hook is None] == ["delete"]
