"""``dagf demo``: run one pipeline from its YAML file to its report, on a machine with nothing but this project."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from dag_factory.cli import interrupts
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.stack import Stack, open_stack
from dag_factory.config import Pipeline, open_project
from dag_factory.config.ids import DagId
from dag_factory.local.instance import LocalError, free_port
from dag_factory.local.run_monitor import JobRun, jobs_table, monitor_run

_RUN_SECONDS = 600
_LOAD_SECONDS = 60
_LOG_LINES = 20  # from the end of the log of a failed job


def demo(dag_id: str, home: Path | None) -> int:
    """Run one DAG to its end and stop everything. Returns 0 if every job succeeded, 1 if not."""
    console = Console(highlight=False)
    stack = open_stack("demo", home)
    pipeline = _pipeline(stack, dag_id)
    began = time.monotonic()
    interrupts.raise_on_first_signal()
    try:
        stack.start(free_port())
        console.print(f"Ready after {time.monotonic() - began:.0f} s. Running [bold]{dag_id}[/]:")
        state, jobs = _run(stack, pipeline, console)
    except (LocalError, TimeoutError) as failure:
        raise CouldNotRun(f"{failure}\nLogs: {stack.instance.logs}") from failure
    except KeyboardInterrupt:
        console.print("\nInterrupted. Stopping everything.")
        return 128 + signal.SIGINT
    finally:
        stack.stop()
    console.print(f"\n{state} after {time.monotonic() - began:.0f} s; everything is stopped again.")
    return 0 if state == "success" and all(job.state == "success" for job in jobs) else 1


def _pipeline(stack: Stack, dag_id: str) -> Pipeline:
    compiled = open_project(stack.home, stack.tables.environment).compile_one(DagId(dag_id))
    if not compiled.pipelines:
        if compiled.problems:
            raise CouldNotRun(f"the pipeline `{dag_id}` has problems; see: dagf check")
        rule = "the path of a file is its DAG ID: pipelines/ml/wine.yaml is ml.wine"
        raise CouldNotRun(f"the pipeline `{dag_id}` does not exist; {rule}")
    return compiled.pipelines[0]


def _run(stack: Stack, pipeline: Pipeline, console: Console) -> tuple[str, list[JobRun]]:
    api = stack.instance.running()
    if api is None or not api.wait_for_dag(pipeline.id, _LOAD_SECONDS):
        message = f"Airflow did not load the DAG {pipeline.id} within {_LOAD_SECONDS} s"
        raise LocalError(f"{message}; check that dags/ contains a loader, and see dag-processor.log")
    run_id = api.trigger(pipeline.id)
    names = [job.name for job in pipeline.jobs]
    state, jobs = monitor_run(api, pipeline.id, run_id, names, console, _RUN_SECONDS)
    console.print()
    console.print(jobs_table(jobs, {job.name: job.flavor.name for job in pipeline.jobs}))
    console.print()
    outputs = [api.output(pipeline.id, run_id, job.name) for job in pipeline.jobs if job.output]
    for path in _reports(stack, pipeline, outputs):
        console.print(f"Report:    {path}", soft_wrap=True)
    logs = stack.instance.task_logs / f"dag_id={pipeline.id}"
    console.print(f"Job logs:  {logs}", soft_wrap=True)
    for job in jobs:
        if job.state == "failed":
            console.print(f"\n[red]{job.name}[/] failed; the end of its log:")
            console.print(_end_of_log(api.log(pipeline.id, run_id, job.name, job.tries)), markup=False)
    return state, jobs


def _reports(stack: Stack, pipeline: Pipeline, outputs: Sequence[Any]) -> list[Path]:
    """Return the files that outputs name as ``report`` and that exist on this machine, in the folder of a claim."""
    from dag_factory import cluster

    found = []
    for output in outputs:
        report = output.get("report") if isinstance(output, dict) else None
        for job in pipeline.jobs if isinstance(report, str) else ():
            for volume in job.volumes:
                inside = str(report).removeprefix(volume.mount_path.rstrip("/") + "/")
                if volume.kind == "pvc" and inside != report and volume.source:
                    namespace = pipeline.cluster.namespace or "default"
                    path = cluster.claim_folder(stack.cluster_folder, namespace, volume.source) / inside
                    if path.is_file() and path not in found:
                        found.append(path)
    return found


def _end_of_log(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("::")]  # Airflow's marks of folded groups
    return "\n".join(lines[-_LOG_LINES:])
