"""The facts about a task instance."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow.configuration import conf
from airflow.jobs.job import Job
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskreschedule import TaskReschedule
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dag_factory.build.web.read_run import read_failed, read_tries
from dag_factory.reasons import facts

_BUSY = ("running", "queued")


def find_instances(session: Session, run: Any, task_id: str, map_index: int) -> list[Any]:
    """Return the task instance; all of them for a mapped task without an index."""
    statement = select(TaskInstance).where(
        TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id, TaskInstance.task_id == task_id
    )
    found = list(session.scalars(statement.order_by(TaskInstance.map_index)))
    return [one for one in found if one.map_index == map_index] or (found if map_index < 0 else [])


def read_mapped(session: Session, run: facts.Run, airflow_run: Any, instances: list[Any]) -> facts.Mapped:
    """Return the facts about the mapped tasks of a job."""
    counts: dict[str, int] = {}
    for one in instances:
        counts[one.state or ""] = counts.get(one.state or "", 0) + 1
    failed = [one for one in instances if one.state == "failed"]
    return facts.Mapped(
        run=run, task_id=instances[0].task_id, counts=counts, failed=read_failed(session, airflow_run, failed)
    )


def read_task(
    session: Session, run: facts.Run, airflow_run: Any, ti: Any, serialized: Any, readable: Collection[str]
) -> facts.Task:
    """Return the facts about one task instance. ``readable`` has the DAGs whose ids the reader of the page may see."""
    task = serialized.get_task(ti.task_id) if serialized and serialized.has_task(ti.task_id) else None
    if task is not None:
        ti.task = task  # for the time of its next try, and for its log
    state = ti.state or ""
    active = dict(
        session.execute(
            select(TaskInstance.task_id, func.count())
            .where(TaskInstance.dag_id == ti.dag_id, TaskInstance.run_id == ti.run_id, TaskInstance.state.in_(_BUSY))
            .group_by(TaskInstance.task_id)
        ).all()
    )
    busy = session.scalar(select(func.count()).where(TaskInstance.state.in_(_BUSY))) or 0
    return facts.Task(
        run=run,
        task_id=ti.task_id,
        map_index=ti.map_index,
        state=state,
        since={"scheduled": ti.scheduled_dttm, "queued": ti.queued_dttm}.get(state, ti.start_date),
        try_number=ti.try_number,
        max_tries=ti.max_tries,
        pool=_pool(session, ti.pool, readable),
        pool_slots=ti.pool_slots,
        trigger_rule=str(task.trigger_rule) if task else "all_success",
        upstream=_upstream(session, ti, task),
        failed_upstream=_failed_upstream(session, airflow_run, serialized, task) if state == "upstream_failed" else (),
        active_jobs=sum(active.values()),
        max_active_jobs=ti.dag_model.max_active_tasks if ti.dag_model else None,
        active_instances=active.get(ti.task_id, 0),
        max_instances=task.max_active_tis_per_dagrun if task else None,
        busy_workers=busy,
        parallelism=_parallelism(session),
        retry_at=_retry_time(session, ti, task),
        retry_reason=ti.retry_reason or "",
        waits_for_previous_run=bool(
            task and task.depends_on_past and _previous_failed(session, airflow_run, ti.task_id)
        ),
        tries=read_tries(session, airflow_run, [ti]).get((ti.task_id, ti.map_index), ()),
        note=ti.note or "",
    )


def _parallelism(session: Session) -> int:
    """Return how many tasks all schedulers run at the same time; 0: no limit."""
    schedulers = session.scalar(select(func.count()).where(Job.job_type == "SchedulerJob", Job.state == "running"))
    return int(conf.getint("core", "parallelism")) * max(1, schedulers or 1)


def _pool(session: Session, name: str, readable: Collection[str]) -> facts.Pool:
    row = session.execute(select(Pool.slots, Pool.include_deferred).where(Pool.pool == name)).first()
    if row is None:
        return facts.Pool(name=name, slots=None)
    states = [*_BUSY, *(["deferred"] if row.include_deferred else [])]
    users = session.execute(
        select(
            TaskInstance.dag_id,
            TaskInstance.run_id,
            TaskInstance.task_id,
            TaskInstance.map_index,
            TaskInstance.pool_slots,
        )
        .where(TaskInstance.pool == name, TaskInstance.state.in_(states))
        .order_by(TaskInstance.start_date)
    ).all()
    holders = (
        facts.Holder(*one) if one.dag_id in readable else facts.Holder("", "", "", -1, one.pool_slots) for one in users
    )
    return facts.Pool(name=name, slots=row.slots, used=sum(one.pool_slots for one in users), holders=tuple(holders))


def _upstream(session: Session, ti: Any, task: Any) -> tuple[facts.Upstream, ...]:
    if task is None or not task.upstream_task_ids:
        return ()
    counts = session.execute(
        select(TaskInstance.task_id, TaskInstance.state, func.count())
        .where(
            TaskInstance.dag_id == ti.dag_id,
            TaskInstance.run_id == ti.run_id,
            TaskInstance.task_id.in_(task.upstream_task_ids),
        )
        .group_by(TaskInstance.task_id, TaskInstance.state)
        .order_by(TaskInstance.task_id)
    )
    return tuple(facts.Upstream(task_id, state or "", count) for task_id, state, count in counts)


def _failed_upstream(session: Session, run: Any, serialized: Any, task: Any) -> tuple[facts.Failed, ...]:
    """Return the failed tasks before this one. The search goes on only through tasks that did not run either."""
    seen: set[str] = set()
    level = set(task.upstream_task_ids) if task else set()
    while level:
        seen |= level
        found = session.scalars(
            select(TaskInstance)
            .where(
                TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id, TaskInstance.task_id.in_(level)
            )
            .order_by(TaskInstance.task_id, TaskInstance.map_index)
        ).all()
        if failed := [one for one in found if one.state == "failed"]:
            return read_failed(session, run, failed[:20])
        passed_on = {
            one.task_id for one in found if one.state == "upstream_failed" and serialized.has_task(one.task_id)
        }
        level = {name for one in passed_on for name in serialized.get_task(one).upstream_task_ids} - seen
    return ()


def _retry_time(session: Session, ti: Any, task: Any) -> Any:
    if ti.state == "up_for_reschedule":
        statement = select(func.max(TaskReschedule.reschedule_date)).where(TaskReschedule.ti_id == ti.id)
        return session.scalar(statement)
    if ti.state != "up_for_retry" or task is None or ti.end_date is None:
        return None
    return ti.next_retry_datetime()


def _previous_failed(session: Session, run: Any, task_id: str) -> bool:
    """Return whether the task did not succeed in the run before."""
    if run.logical_date is None:
        return False
    earlier = (
        select(DagRun.run_id)
        .where(DagRun.dag_id == run.dag_id, DagRun.logical_date < run.logical_date)
        .order_by(DagRun.logical_date.desc())
        .limit(1)
    )
    if (run_id := session.scalar(earlier)) is None:
        return False
    states = session.scalars(
        select(TaskInstance.state).where(
            TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run_id, TaskInstance.task_id == task_id
        )
    )
    return any(state not in ("success", "skipped") for state in states)
