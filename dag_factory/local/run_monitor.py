"""Watch a run until it ends: print its progress, then a table of its jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from dag_factory.local.api import FINISHED, AirflowApi

_POLL = 0.5  # seconds
_NOT_PRINTED = ("scheduled", "queued")
_COLORS = {"success": "green", "failed": "red", "upstream_failed": "red", "running": "cyan", "up_for_retry": "yellow"}


@dataclass(frozen=True)
class JobRun:
    """One job of a run. ``seconds`` is the duration of the last try."""

    name: str
    state: str
    tries: int
    seconds: float | None


def monitor_run(
    api: AirflowApi, dag_id: str, run_id: str, jobs: Sequence[str], console: Console, seconds: float
) -> tuple[str, list[JobRun]]:
    """Watch a run until it ends, and print each change of a job's state.

    Returns the run's state and its jobs in the order of ``jobs``. Raises ``TimeoutError`` after ``seconds``.
    """
    began = time.monotonic()
    reported: dict[str, str] = {}
    with console.status("waiting for the first job") as status:
        while True:
            state = api.run_state(dag_id, run_id)
            found = {task["task_id"]: task for task in api.tasks(dag_id, run_id)}
            for name in jobs:
                job_state = str(found.get(name, {}).get("state") or "waiting")
                if job_state != reported.get(name, "waiting"):
                    _print_state(console, name, job_state, time.monotonic() - began)
                    reported[name] = job_state
            running = [name for name in jobs if reported.get(name) == "running"]
            status.update(f"running: {', '.join(running)}" if running else "waiting for Airflow")
            if state in FINISHED:
                return state, [_job_run(name, found.get(name, {})) for name in jobs]
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"the run did not end within {seconds:.0f} s")
            time.sleep(_POLL)


def jobs_table(runs: Sequence[JobRun], flavors: Mapping[str, str]) -> Table:
    """A table of the jobs: name, flavor, state, tries, seconds."""
    result = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    columns: list[tuple[str, Callable[[JobRun], str], bool]] = [
        ("JOB", lambda run: run.name, False),
        ("FLAVOR", lambda run: flavors.get(run.name, ""), False),
        ("STATE", lambda run: f"[{_COLORS.get(run.state, 'white')}]{run.state}[/]", False),
        ("TRIES", lambda run: str(run.tries), True),
        ("SECONDS", lambda run: "" if run.seconds is None else f"{run.seconds:.1f}", True),
    ]
    for title, _, align_right in columns:
        result.add_column(title, justify="right" if align_right else "left", no_wrap=True)
    for run in runs:
        result.add_row(*(read(run) for _, read, _ in columns))
    return result


def _print_state(console: Console, name: str, state: str, after: float) -> None:
    if state in _NOT_PRINTED:
        return
    console.print(f"  {after:5.1f} s  [{_COLORS.get(state, 'white')}]{state:<16}[/]{name}", highlight=False)


def _job_run(name: str, task: Mapping[str, Any]) -> JobRun:
    return JobRun(name, str(task.get("state") or "not run"), int(task.get("try_number") or 0), task.get("duration"))
