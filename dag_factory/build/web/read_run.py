"""The facts about a run, and the records of its tasks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.task_state_store import TaskStateStoreModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import State
from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from dag_factory.reasons import facts
from dag_factory.reasons.phrases import what_to_do
from dag_factory.verdicts.history import KEY, TryRecord, read_history

MAX_FAILED = 100  # of one run
MAX_OPEN = 10
MAX_ACTIVE = 3


def find_run(session: Session, dag_id: str, run_id: str) -> Any:
    """Return Airflow's run, or None."""
    return session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))


def find_latest(session: Session, dag: facts.Dag) -> list[Any]:
    """Return the newest active runs, and the last run if it failed."""
    run_ids = list(dag.active_runs[: -MAX_ACTIVE - 1 : -1])
    if dag.last_run and dag.last_run[1] == "failed":
        run_ids.append(dag.last_run[0])
    return [run for run_id in run_ids if (run := find_run(session, dag.dag_id, run_id)) is not None]


def read_run(session: Session, dag: facts.Dag, run: Any, serialized: Any) -> facts.Run:
    """Return the facts about a run. ``serialized`` is the DAG of the run, or None."""
    timeout = getattr(serialized, "dagrun_timeout", None)
    in_run = (TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id)
    unfinished = select(func.count()).where(
        *in_run,
        or_(TaskInstance.state.is_(None), TaskInstance.state.in_([str(one) for one in State.unfinished if one])),
    )
    failed = session.scalars(
        select(TaskInstance)
        .where(*in_run, TaskInstance.state == "failed")
        .order_by(TaskInstance.end_date, TaskInstance.task_id, TaskInstance.map_index)
        .limit(MAX_FAILED)
    ).all()
    return facts.Run(
        dag=dag,
        run_id=run.run_id,
        state=str(run.state),
        run_after=run.run_after,
        started=run.start_date,
        ended=run.end_date,
        timeout=int(timeout.total_seconds()) if timeout else None,
        failed=read_failed(session, run, failed),
        unfinished=session.scalar(unfinished) or 0,
        note=run.note or "",
    )


def find_open(session: Session, run: Any) -> list[Any]:
    """Return the first tasks that have started or could start, but have not ended. Those that wait come first."""
    states = ["scheduled", "queued", "up_for_retry", "up_for_reschedule", "deferred", "running"]
    found = session.scalars(
        select(TaskInstance)
        .where(TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id, TaskInstance.state.in_(states))
        .order_by(case({state: number for number, state in enumerate(states)}, value=TaskInstance.state))
        .order_by(TaskInstance.task_id, TaskInstance.map_index)
        .limit(MAX_OPEN)
    )
    return list(found)


def read_failed(session: Session, run: Any, instances: Iterable[Any]) -> tuple[facts.Failed, ...]:
    """Return failed task instances with the sentences of their last tries."""
    instances = list(instances)
    records = read_tries(session, run, instances)
    return tuple(
        facts.Failed(one.task_id, one.map_index, tries[-1].sentence, what_to_do(tries[-1]))
        if tries
        else facts.Failed(one.task_id, one.map_index)
        for one in instances
        for tries in [records.get((one.task_id, one.map_index), ())]
    )


def read_tries(session: Session, run: Any, instances: Collection[Any]) -> dict[tuple[str, int], tuple[TryRecord, ...]]:
    """Return the recorded tries of task instances of one run, by task id and map index."""
    tries = {(one.task_id, one.map_index): one.max_tries for one in instances}
    statement = select(TaskStateStoreModel.task_id, TaskStateStoreModel.map_index, TaskStateStoreModel.value).where(
        TaskStateStoreModel.dag_id == run.dag_id,
        TaskStateStoreModel.run_id == run.run_id,
        TaskStateStoreModel.key == KEY,
        TaskStateStoreModel.task_id.in_({one.task_id for one in instances}),
    )
    found = {}
    for task_id, map_index, value in session.execute(statement):
        if (task_id, map_index) in tries:
            found[task_id, map_index] = read_history(_json(value), tries[task_id, map_index]).tries
    return found


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
