"""Watch a run to its end: states of its tasks and lines of their logs, as events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import httpx
import msgspec

from dag_factory.local.api import FINISHED, AirflowApi
from dag_factory.local.runs.task_logs import LogLine, TaskLog, log_file

_POLL = 0.25  # seconds
_RETRY = 60.0  # seconds without any response of Airflow
DONE = ("success", "failed", "skipped", "upstream_failed", "removed")


class TaskRun(msgspec.Struct, frozen=True):
    """A job of a run, or one mapped task of it. ``seconds`` is the time of the current or last try."""

    job: str
    map_index: int = -1
    label: str = ""  # of the item of a mapped task
    state: str = "waiting"
    tries: int = 0
    started: float | None = None  # seconds since 1970
    seconds: float | None = None
    verdict: str = ""

    @property
    def name(self) -> str:
        """The name for people: that of the job, and the item of a mapped task."""
        return self.job if self.map_index < 0 else f"{self.job}[{self.label or self.map_index}]"


class Listener(Protocol):
    """What a run reports while it is under way."""

    def progress(self, text: str) -> None:
        """Something that takes long has begun: a text for people."""

    def changed(self, task: TaskRun) -> None:
        """The state of a task changed."""

    def logged(self, task: TaskRun, lines: Sequence[LogLine]) -> None:
        """New lines of the log of a task."""

    def updated(self, tasks: Sequence[TaskRun]) -> None:
        """All tasks, several times a second."""


class Watch:
    """One run. ``log_folder`` is Airflow's folder of logs."""

    def __init__(
        self, api: AirflowApi, log_folder: Path, dag_id: str, run_id: str, jobs: Sequence[str], listener: Listener
    ) -> None:
        self._api, self._folder, self._dag, self._run, self._listener = api, log_folder, dag_id, run_id, listener
        self._order = {name: position for position, name in enumerate(jobs)}
        self._logs: dict[tuple[str, int, int], TaskLog] = {}
        self._known: dict[tuple[str, int], TaskRun] = {}
        self._verdicts: dict[tuple[str, int], str] = {}

    def to_end(self, seconds: float | None, is_alive: Callable[[], bool]) -> tuple[str, list[TaskRun]]:
        """Return the state of the run and its tasks. Raises ``TimeoutError``; ``ConnectionError`` without Airflow."""
        began = answered = time.monotonic()
        while True:
            try:
                state = self._api.run_state(
                    self._dag, self._run
                )  # before the tasks, so that these are their last states
                tasks = self._tasks()
                answered = time.monotonic()
            except httpx.HTTPError as failure:
                if not is_alive() or time.monotonic() - answered > _RETRY:
                    raise ConnectionError(f"Airflow ended or does not answer: {failure}") from failure
                time.sleep(_POLL)
                continue
            more = self._report(tasks)
            if state in FINISHED:
                while self._report(tasks):
                    pass
                return state, [self._with_verdict(task) for task in tasks]
            if seconds is not None and time.monotonic() - began > seconds:
                raise TimeoutError(f"the run did not end within {seconds:.0f} s")
            time.sleep(0 if more else _POLL)

    def _tasks(self) -> list[TaskRun]:
        """The tasks of jobs. A task that makes a list for a job is shown only if it fails."""
        found = [task for task in map(_task_run, self._pages()) if task.job in self._order or task.state == "failed"]
        last = len(self._order)
        return sorted(found, key=lambda task: (self._order.get(task.job.removesuffix(".items"), last), task.map_index))

    def _pages(self) -> Iterator[dict[str, Any]]:
        path, offset = f"/dags/{self._dag}/dagRuns/{self._run}/taskInstances", 0
        while True:
            page = self._api.call("GET", path, limit=100, offset=offset)
            yield from page["task_instances"]
            offset += len(page["task_instances"])
            if not page["task_instances"] or offset >= page["total_entries"]:
                return

    def _report(self, tasks: Sequence[TaskRun]) -> bool:
        """Report the changes and the new lines. Returns whether there may be more lines already."""
        more = False
        for task in tasks:
            key = (task.job, task.map_index)
            before = self._known.get(key)
            if before is None or (before.state, before.tries) != (task.state, task.tries):
                self._known[key] = task
                if task.state == "running":
                    self._listener.changed(task)
            more |= self._report_lines(task)
            if (before is None or (before.state, before.tries) != (task.state, task.tries)) and task.state != "running":
                self._listener.changed(self._with_verdict(task))
        self._listener.updated(tasks)
        return more

    def _report_lines(self, task: TaskRun) -> bool:
        more = False
        for attempt in range(1, task.tries + 1):
            key = (task.job, task.map_index, attempt)
            log = self._logs.get(key)
            if log is None:
                file = log_file(self._folder, self._dag, self._run, task.job, task.map_index, attempt)
                log = self._logs[key] = TaskLog(file)
            lines = list(log.read())
            more |= bool(lines)
            for line in lines:
                if line.kind == "verdict":
                    self._verdicts[task.job, task.map_index] = line.text
            if lines:
                self._listener.logged(task, lines)
        return more

    def _with_verdict(self, task: TaskRun) -> TaskRun:
        verdict = self._verdicts.get((task.job, task.map_index), "") if task.state in ("failed", "up_for_retry") else ""
        return msgspec.structs.replace(task, verdict=verdict)


def _task_run(task: dict[str, Any]) -> TaskRun:
    start = (
        datetime.fromisoformat(task["start_date"].replace("Z", "+00:00")).timestamp() if task["start_date"] else None
    )
    return TaskRun(
        task["task_id"],
        int(task["map_index"]),
        str(task.get("rendered_map_index") or ""),
        str(task["state"] or "waiting"),
        int(task["try_number"] or 0),
        start,
        task["duration"],
    )
