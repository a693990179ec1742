"""Run one pipeline to its end on this machine: the function behind `dagf run`."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import msgspec

from dag_factory.config.local_run import LocalRun
from dag_factory.config.model import Pipeline
from dag_factory.local.api import AirflowApi
from dag_factory.local.instance import LocalError
from dag_factory.local.runs import local_pods
from dag_factory.local.runs.dag_files import Busy, SavedOutputs, forget, locked, write_dag_file
from dag_factory.local.runs.params import read_params
from dag_factory.local.runs.private_airflow import PrivateAirflow
from dag_factory.local.runs.select_jobs import Selection, SelectionError, local_pipeline, select
from dag_factory.local.runs.task_logs import LogLine
from dag_factory.local.runs.watch import Listener, TaskRun, Watch
from dag_factory.local.stack import Stack

_LOAD_SECONDS = 120


class Silent:
    """A listener that reports nothing."""

    def progress(self, text: str) -> None:
        """Do nothing."""

    def changed(self, task: TaskRun) -> None:
        """Do nothing."""

    def logged(self, task: TaskRun, lines: Sequence[LogLine]) -> None:
        """Do nothing."""

    def updated(self, tasks: Sequence[TaskRun]) -> None:
        """Do nothing."""


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to run: all jobs, ``only`` one, or those from ``start`` on. ``params`` are values, or text to read.

    ``outputs`` are JSON values of jobs that do not run. Those that are missing come from the last local run. Without
    ``keep`` Airflow is stopped at the end. ``timeout`` in seconds; none if None.
    """

    params: dict[str, Any] = {}
    only: str | None = None
    start: str | None = None
    outputs: dict[str, Any] = {}
    keep: bool = True
    timeout: float | None = None


class RunResult(msgspec.Struct, frozen=True):
    """A run that ended. ``outputs``: the JSON values of jobs that wrote one; lists for mapped jobs."""

    state: str
    run_id: str
    tasks: tuple[TaskRun, ...]
    outputs: dict[str, Any]
    seconds: float
    logs: Path  # the folder with the logs of its tasks

    @property
    def is_success(self) -> bool:
        """Whether Airflow counts the run as a success."""
        return self.state == "success"


class Prepared(msgspec.Struct, frozen=True):
    """A checked request: nothing has started yet."""

    pipeline: Pipeline
    selection: Selection
    outputs: dict[str, Any]
    params: dict[str, Any]


def prepare(stack: Stack, pipeline: Pipeline, request: RunRequest) -> Prepared:
    """Check a request. Raises ``SelectionError`` and ``ParamError``."""
    selection = select(pipeline, request.only, request.start)
    params = read_params(pipeline.params, request.params)
    known = {job.name for job in pipeline.jobs}
    for name in request.outputs:
        if name not in known:
            raise SelectionError(f"--output: `{pipeline.id}` has no job `{name}`")
        if name not in selection.needed:
            raise SelectionError(f"--output: no job of this run reads the output of `{name}`, or `{name}` runs itself")
    saved = saved_outputs(stack, pipeline).read()
    outputs = {name: {**saved, **request.outputs}.get(name, ...) for name in selection.needed}
    missing = [name for name, value in outputs.items() if value is ...]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        what = "output is" if len(missing) == 1 else "outputs are"
        raise SelectionError(
            f"the {what} missing that this run reads from {names}, and no local run has saved "
            f"{'it' if len(missing) == 1 else 'them'}; run the whole pipeline once, or add "
            + " ".join(f"--output {name}=FILE" for name in missing)
        )
    return Prepared(local_pipeline(pipeline, selection), selection, outputs, params)


def saved_outputs(stack: Stack, pipeline: Pipeline) -> SavedOutputs:
    """The outputs of earlier local runs of the pipeline, in its environment."""
    return SavedOutputs(stack.folder / "outputs" / pipeline.environment / f"{pipeline.id}.json")


def run_pipeline(
    stack: Stack,
    prepared: Prepared,
    request: RunRequest,
    listener: Listener | None = None,
    delete_pods: Callable[[str, str], int] | None = None,
) -> RunResult:
    """Run it to its end. On ``KeyboardInterrupt`` the run ends and its pods are deleted, before it is raised again.

    ``delete_pods`` deletes the pods of a run of a DAG, and returns how many; by default those of the local cluster.
    Raises ``LocalError``, and ``TimeoutError``.
    """
    dag_id = prepared.pipeline.id
    airflow = PrivateAirflow(stack)
    try:
        with locked(airflow.locks / f"{dag_id}.lock"):
            try:
                delete = delete_pods or local_pods.deleter(stack.cluster_folder)
                return _Run(airflow, prepared, request, listener or Silent(), delete).to_end()
            finally:
                airflow.last_used.touch()
                if not request.keep:
                    airflow.stop_unless_used(dag_id)
    except Busy:
        raise LocalError(f"`{dag_id}` runs already in another process; wait for its end, or stop it there") from None


class _Run:
    def __init__(
        self,
        airflow: PrivateAirflow,
        prepared: Prepared,
        request: RunRequest,
        listener: Listener,
        delete_pods: Callable[[str, str], int],
    ) -> None:
        self._airflow, self._prepared, self._request = airflow, prepared, request
        self._listener, self._delete_pods = listener, delete_pods
        self._dag = prepared.pipeline.id

    def to_end(self) -> RunResult:
        api = self._airflow.start(self._dag, self._listener.progress)
        self._load(api)
        self._end_earlier_runs(api)
        began = time.monotonic()
        run_id = f"run-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"  # a label of Kubernetes, too
        try:
            body = {"dag_run_id": run_id, "logical_date": None, "conf": self._prepared.params}
            api.call("POST", f"/dags/{self._dag}/dagRuns", body)
            state, tasks = self._watch(api, run_id)
        except httpx.HTTPStatusError as failure:
            raise LocalError(f"Airflow rejects the run: {_detail(failure)}") from failure
        except ConnectionError as failure:
            raise LocalError(f"{failure}; see its logs: {self._airflow.stack.instance.logs}") from failure
        except BaseException:  # also KeyboardInterrupt: nothing of the run must stay
            self._cancel(api, run_id)
            raise
        outputs = self._outputs(api, run_id, tasks)
        saved_outputs(self._airflow.stack, self._prepared.pipeline).add(outputs)
        logs = self._airflow.stack.instance.task_logs / f"dag_id={self._dag}" / f"run_id={run_id}"
        return RunResult(state, run_id, tuple(tasks), outputs, time.monotonic() - began, logs)

    def _load(self, api: AirflowApi) -> None:
        """Give the DAG to Airflow and wait until it has parsed it. Raises ``LocalError``."""
        folder = self._airflow.stack.dag_files
        before = _parsed(api, self._dag)
        changed = write_dag_file(folder, LocalRun(self._prepared.pipeline, self._prepared.outputs))
        if not changed and before:
            return
        deadline = time.monotonic() + _LOAD_SECONDS
        wrote = datetime.now(timezone.utc)
        while (now := _parsed(api, self._dag)) is None or now == before:
            if problem := _import_error(api, f"{self._dag}.py", wrote):
                forget(folder, self._dag)
                raise LocalError(f"Airflow cannot build the DAG of `{self._dag}`:\n{problem}")
            if time.monotonic() > deadline:
                forget(folder, self._dag)
                log = self._airflow.stack.instance.logs / "dag-processor.log"
                raise LocalError(f"Airflow did not load `{self._dag}` within {_LOAD_SECONDS} s; see {log}")
            time.sleep(0.1)

    def _end_earlier_runs(self, api: AirflowApi) -> None:
        """End the runs of a `dagf run` that was killed."""
        found = api.call("GET", f"/dags/{self._dag}/dagRuns", state=["running", "queued"])
        for run in found["dag_runs"]:
            self._cancel(api, run["dag_run_id"])

    def _watch(self, api: AirflowApi, run_id: str) -> tuple[str, list[TaskRun]]:
        stack = self._airflow.stack
        jobs = [job.name for job in self._prepared.pipeline.jobs if job.name in self._prepared.selection.jobs]
        watch = Watch(api, stack.instance.task_logs, self._dag, run_id, jobs, self._listener)
        return watch.to_end(self._request.timeout, stack.is_running)

    def _cancel(self, api: AirflowApi, run_id: str) -> None:
        """End a run, and delete its pods, also those that `keep_pod` keeps."""
        with contextlib.suppress(httpx.HTTPError):  # it was never created, or Airflow is gone
            api.call("PATCH", f"/dags/{self._dag}/dagRuns/{run_id}", {"state": "failed"})
        quiet_since = time.monotonic()
        deadline = quiet_since + 20
        while time.monotonic() < deadline and time.monotonic() - quiet_since < 3:  # a worker may create a last pod
            if self._delete_pods(self._dag, run_id):
                quiet_since = time.monotonic()
            time.sleep(0.3)

    def _outputs(self, api: AirflowApi, run_id: str, tasks: Sequence[TaskRun]) -> dict[str, Any]:
        writers = {job.name for job in self._prepared.pipeline.jobs if job.output}
        found: dict[str, Any] = {}
        for task in tasks:
            if task.job in writers and task.state == "success":
                has_output, value = api.find_output(self._dag, run_id, task.job, task.map_index)
                if has_output and task.map_index >= 0:
                    found.setdefault(task.job, []).append(value)
                elif has_output:
                    found[task.job] = value
        return found


def _parsed(api: AirflowApi, dag_id: str) -> str | None:
    """When Airflow parsed the DAG; None if it does not know it."""
    try:
        dag = api.call("GET", f"/dags/{dag_id}")
    except httpx.HTTPError:
        return None
    return None if dag["is_stale"] else str(dag["last_parsed_time"])


def _import_error(api: AirflowApi, file: str, since: datetime) -> str:
    try:
        found: Mapping[str, Any] = api.call("GET", "/importErrors", limit=100)
    except httpx.HTTPError:
        return ""
    for one in found["import_errors"]:
        if one["filename"].endswith(file) and datetime.fromisoformat(one["timestamp"].replace("Z", "+00:00")) > since:
            return str(one["stack_trace"]).strip().splitlines()[-1]
    return ""


def _detail(failure: httpx.HTTPStatusError) -> str:
    try:
        return str(failure.response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return str(failure)
