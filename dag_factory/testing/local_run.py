"""Runs of pipelines on the local cluster, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dag_factory.config import open_project
from dag_factory.local.runs.params import ParamError
from dag_factory.local.runs.private_airflow import NAME
from dag_factory.local.runs.run_pipeline import RunRequest, RunResult, prepare, run_pipeline
from dag_factory.local.runs.select_jobs import SelectionError
from dag_factory.local.stack import Stack
from dag_factory.testing.pipelines import TestedPipelines

ENVIRONMENT = "local"


class LocalRuns:
    """Runs pipelines of the environment `local`. The first run starts a local cluster and Airflow."""

    def __init__(self, home: Path) -> None:
        project = open_project(home, ENVIRONMENT)
        self._pipelines = TestedPipelines(project)
        self._stack = Stack(home, NAME, project.tables, private=True)
        self._was_running = self._stack.is_running()

    def __call__(
        self,
        pipeline: str,
        job: str | None = None,
        *,
        params: dict[str, Any] | None = None,
        outputs: dict[str, Any] | None = None,
        timeout: float = 600,
        check: bool = True,
    ) -> RunResult:
        """Run a pipeline, or one job of it, to its end. ``outputs`` are JSON values of jobs that do not run.

        With ``check``, a run that does not succeed is an ``AssertionError`` with the reason of each failed job.
        ``timeout`` in seconds; raises ``TimeoutError``.
        """
        __tracebackhide__ = True
        request = RunRequest(params=params or {}, only=job, outputs=outputs or {}, timeout=timeout)
        try:
            prepared = prepare(self._stack, self._pipelines[pipeline].model, request)
        except (SelectionError, ParamError) as failure:
            raise AssertionError(str(failure)) from None
        result = run_pipeline(self._stack, prepared, request)
        if check and not result.is_success:
            failed = [f"  {one.name}: {one.verdict or one.state}" for one in result.tasks if one.state != "success"]
            raise AssertionError(
                "\n".join([f"the run of {pipeline} ended as {result.state}:", *failed, f"logs: {result.logs}"])
            )
        return result

    def stop(self) -> None:
        """Stop what the first run started."""
        if not self._was_running:
            self._stack.stop()
