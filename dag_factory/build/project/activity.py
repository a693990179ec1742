"""Asks Airflow, while a loader is parsed, whether a DAG has unfinished runs.

The process that parses a DAG file has no access to Airflow's database. It may send the requests of a task's process.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from dag_factory.config.model import Pipeline
from dag_factory.config.project.deleted import Activity

log = logging.getLogger(__name__)

_MAX_RUNS = 50
"""Unfinished runs to look at. Each has all its tasks in the answer."""
_AT_WORK = frozenset(
    ("running", "queued", "scheduled", "deferred", "restarting", "up_for_retry", "up_for_reschedule", "awaiting_input")
)


def task_activity(pipeline: Pipeline) -> Activity:
    """Return what the tasks of a pipeline do; ``unknown`` outside the DAG processor, or if it does not answer."""
    try:
        states = _task_states(pipeline.id, task_ids=_last_jobs(pipeline))
        if states is None:
            return "unknown"
        open_runs = [run for run, of_run in states.items() if _unfinished(of_run.values())]
        if not open_runs:
            return "none"
        # A last job also waits in a run that failed in a deadlock, so the other jobs of the run decide.
        found = _task_states(pipeline.id, run_ids=sorted(open_runs)[-_MAX_RUNS:]) or {}
        return "active" if any(_AT_WORK & set(of_run.values()) for of_run in found.values()) else "waiting"
    except Exception as failure:  # an answer in another form: the DAG stays until a later pass knows
        log.warning("dagwright: cannot read whether `%s` has unfinished runs: %s", pipeline.id, failure)
        return "unknown"


def _last_jobs(pipeline: Pipeline) -> list[str]:
    """Return the jobs that no other job waits for. While one of them is unfinished, so is its run."""
    earlier = {name for job in pipeline.jobs for name in job.depends_on}
    return [job.name for job in pipeline.jobs if job.name not in earlier] or [job.name for job in pipeline.jobs]


def _unfinished(states: Iterable[str | None]) -> bool:
    return any(state is None or state in _AT_WORK for state in states)


def _task_states(dag_id: str, **query: Any) -> Mapping[str, Mapping[str, str | None]] | None:
    """Return the states of tasks by run and task; None in a process that cannot ask."""
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import GetTaskStates, TaskStatesResult

    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if comms is None:
        return None
    answer = comms.send(GetTaskStates(dag_id=dag_id, **query))
    return answer.task_states if isinstance(answer, TaskStatesResult) else None
