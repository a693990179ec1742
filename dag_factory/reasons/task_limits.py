"""Why a task that is ready does not start: a full pool, or a limit of active tasks."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.reasons.facts import Task
from dag_factory.reasons.of_run import MAX_LINKS
from dag_factory.reasons.phrases import holder_text, run_link, task_link
from dag_factory.reasons.reason import Reason


def limits(task: Task) -> Iterator[Reason]:
    """The limits that keep the task from starting."""
    yield from _pool(task)
    yield from _active_tasks(task)


def _pool(task: Task) -> Iterator[Reason]:
    pool = task.pool
    if pool is None or pool.slots == -1:
        return
    if pool.slots is None:
        yield Reason(
            "no-pool",
            "failed",
            f"The pool `{pool.name}` does not exist, so the task never starts.",
            f"Create the pool `{pool.name}` in Admin → Pools, or define it in `configs/platform`. Or correct `pool` of"
            " the job.",
        )
    elif task.pool_slots > pool.slots:
        yield Reason(
            "pool-too-small",
            "failed",
            f"The pool `{pool.name}` has {_slots(pool.slots)}, fewer than the {task.pool_slots} that this task needs,"
            " so it never starts.",
            "Reduce `pool_slots` of the job, or enlarge the pool in Admin → Pools.",
        )
    elif task.pool_slots > (free := pool.slots - pool.used):
        shown = [one for one in pool.holders if one.dag_id]
        hidden = len(pool.holders) - len(shown)
        state = (
            f"The pool `{pool.name}` is full: {pool.used} of {_slots(pool.slots)} in use."
            if free <= 0
            else f"The pool `{pool.name}` has {free} of {_slots(pool.slots)} free."
        )
        yield Reason(
            "pool-full",
            "waiting",
            f"{state} This task needs {task.pool_slots}.",
            "Wait until one of the tasks below ends. If the pool is full often, ask the platform team to enlarge it.",
            (f"{hidden} of them are tasks of DAGs that you may not view",) if hidden else (),
            tuple(
                task_link(one.dag_id, one.run_id, one.task_id, one.map_index, holder_text(one))
                for one in shown[:MAX_LINKS]
            ),
        )


def _active_tasks(task: Task) -> Iterator[Reason]:
    if task.max_active_jobs is not None and task.active_jobs >= task.max_active_jobs:
        yield Reason(
            "job-limit",
            "waiting",
            f"{task.active_jobs} of at most {task.max_active_jobs} jobs of this run are active (`max_active_jobs`).",
            "Wait until one of them ends, or raise `max_active_jobs` of the pipeline.",
            links=(run_link(task.run.dag.dag_id, task.run.run_id, "The run"),),
        )
    if task.max_instances is not None and task.active_instances >= task.max_instances:
        yield Reason(
            "mapped-task-limit",
            "waiting",
            f"{task.active_instances} of at most {task.max_instances} mapped tasks of this job are active"
            " (`max_parallel`).",
            "Wait until one of them ends, or raise `max_parallel` of the job's `for_each`.",
        )
    if task.parallelism and task.busy_workers >= task.parallelism:
        yield Reason(
            "no-worker",
            "waiting",
            f"Airflow runs {task.busy_workers} of at most {task.parallelism} tasks at the same time.",
            "Wait until a task ends, or ask the platform team to raise `[core] parallelism` of Airflow.",
        )


def _slots(number: int) -> str:
    return f"{number} slot{'' if number == 1 else 's'}"
