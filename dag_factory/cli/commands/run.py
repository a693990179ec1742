"""``dagf run``: run one pipeline to its end on this machine."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dag_factory import settings
from dag_factory.cli import interrupts, report, terminal
from dag_factory.cli.commands.find_pipeline import unknown_pipeline
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.model import Pipeline
from dag_factory.config.platform.tables import Tables
from dag_factory.config.project.project import Project
from dag_factory.local.image_source import LOCAL
from dag_factory.local.instance import LocalError, kubernetes_connection
from dag_factory.local.runs.params import ParamError
from dag_factory.local.runs.private_airflow import KEEP_SECONDS, NAME
from dag_factory.local.runs.run_pipeline import RunRequest, RunResult, prepare, run_pipeline
from dag_factory.local.runs.select_jobs import SelectionError
from dag_factory.local.stack import Stack
from dag_factory.overview.compiled import compile_pipeline, open_environments, pipeline_ids


@dataclass(frozen=True)
class Options:
    """The options of `dagf run`. ``outputs`` are names of jobs with files."""

    params: tuple[tuple[str, str], ...] = ()
    start: str | None = None
    outputs: tuple[tuple[str, str], ...] = ()
    environment: str | None = None
    remote: bool = False
    keep: bool = True


def run(name: str | None, job: str | None, home: Path | None, options: Options) -> int:
    """Run a pipeline. Returns 0 if the run succeeded, 1 if it failed, 130 if the user interrupted it."""
    began = time.monotonic()
    if job and options.start:
        raise CouldNotRun("a run has either one JOB or --from JOB; leave one of them out")
    root = find_home(home)
    project = open_environments(root, (options.environment or settings.environment() or LOCAL,))[0]
    stack = Stack(root, NAME, project.tables, private=True, remote=_remote(project, options.remote))
    pipeline = _pipeline(project, name)
    if pipeline is None:
        return 2
    request = RunRequest(
        params=dict(options.params),
        only=job,
        start=options.start,
        outputs={name: _read_output(name, file) for name, file in options.outputs},
        keep=options.keep,
    )
    try:
        prepared = prepare(stack, pipeline, request)
    except (SelectionError, ParamError) as failure:
        raise CouldNotRun(str(failure)) from failure

    from dag_factory.cli.run_view import RunView  # rich is slow to import

    console = terminal.console()
    view = RunView(pipeline, prepared.selection.jobs, console)
    interrupts.raise_on_first_signal()
    try:
        with view:
            result = run_pipeline(stack, prepared, request, view, _deleter(options.remote))
    except (LocalError, TimeoutError) as failure:
        raise CouldNotRun(str(failure)) from failure
    except KeyboardInterrupt:
        terminal.note("Interrupted. The run was ended and its pods were deleted.")
        return 128 + signal.SIGINT
    _print_result(stack, pipeline, result, view.verdicts, console)
    _print_end(stack, pipeline, result, time.monotonic() - began, options.keep)
    return 0 if result.is_success else 1


def _pipeline(project: Project, name: str | None) -> Pipeline | None:
    """The compiled pipeline; None if it has errors, which are printed."""
    if name is None:
        known = pipeline_ids(project)
        if len(known) != 1:
            names = ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
            hint = f"name one of: {names}" if known else "the project has no pipelines; add one: dagf new pipeline"
            raise CouldNotRun(f"which pipeline? {hint}" if known else hint)
        name = known[0]
    one = compile_pipeline(project, name)
    if not one.exists:
        raise unknown_pipeline([project], name)
    if one.pipeline is None:
        report.print_problems(one.problems, project.home)
        terminal.note(f"{name} has errors in {project.environment}, so it cannot run.")
    return one.pipeline


def _remote(project: Project, confirmed: bool) -> dict[str, str] | None:
    """The connections to the cluster of the environment, None if it is local. Raises ``CouldNotRun``."""
    tables = project.tables
    if _is_local(tables):
        if confirmed:
            raise CouldNotRun(f"the environment {tables.environment} is local; leave out --remote")
        return None
    if not confirmed:
        raise CouldNotRun(
            f"the environment {tables.environment} is not local: its pods run in its own cluster; use an environment "
            "with `cluster.local`, such as --env local, or add --remote to run the pods there"
        )
    name = tables.cluster.kubernetes_conn_id or "kubernetes_default"
    given = os.environ.get(f"AIRFLOW_CONN_{name.upper()}")
    kubeconfig = os.environ.get("KUBECONFIG", "").partition(os.pathsep)[0]
    file = Path(kubeconfig or "~/.kube/config").expanduser().absolute()
    if not given and not file.exists():
        raise CouldNotRun(f"no cluster: set AIRFLOW_CONN_{name.upper()} or KUBECONFIG ({file} does not exist)")
    return {name: given or kubernetes_connection(file)}


def _is_local(tables: Tables) -> bool:
    return tables.environment == LOCAL or bool(tables.images)


def _deleter(remote: bool) -> Callable[[str, str], int] | None:
    """What deletes the pods of a run in a remote cluster."""
    if not remote:
        return None

    def delete(dag_id: str, run_id: str) -> int:
        from dag_factory.pods.cluster_pods import ClusterUnavailable, PodChanged, connect

        try:
            cluster = connect(None, None)
            found = [pod for pod in cluster.list((), None) if (pod.task.dag, pod.task.run) == (dag_id, run_id)]
        except ClusterUnavailable as failure:
            terminal.note(f"The pods of the run {run_id} were not deleted: {failure}")
            return 0
        for pod in found:
            try:
                cluster.delete(pod)
            except (ClusterUnavailable, PodChanged):
                continue
        return len(found)

    return delete


def _read_output(name: str, file: str) -> Any:
    try:
        return json.loads(Path(file).read_text("utf-8"))
    except OSError as failure:
        raise CouldNotRun(f"--output {name}: {file}: {failure.strerror}") from failure
    except ValueError as failure:
        raise CouldNotRun(f"--output {name}: {file} is not valid JSON: {failure}") from failure


def _print_result(stack: Stack, pipeline: Pipeline, result: RunResult, verdicts: dict[str, str], console: Any) -> None:
    from dag_factory.cli.run_view import output_text, result_table

    console.print()
    console.print(result_table(result.tasks, pipeline))
    if result.outputs:
        console.print("\nOutputs:")
        for name, value in result.outputs.items():
            console.print(f"  {name}: {output_text(value)}", markup=False, soft_wrap=True)
    for path in _reports(stack, pipeline, result):
        console.print(f"Report:    {path}", markup=False, soft_wrap=True)
    for name, verdict in verdicts.items():
        console.print(f"\n{name}: {verdict}", markup=False, soft_wrap=True, style="red")


def _print_end(stack: Stack, pipeline: Pipeline, result: RunResult, seconds: float, keep: bool) -> None:
    terminal.write()
    failed = [task for task in result.tasks if task.state == "failed"]
    also = f", although {failed[0].name} failed" if failed and result.is_success else ""
    terminal.write(f"{result.state} after {seconds:.0f} s{also}")
    terminal.note(f"Logs: {result.logs}")
    if failed and not result.is_success:
        environment = "" if pipeline.environment == LOCAL else f" --env {pipeline.environment}"
        terminal.note(f"After a fix, continue there: dagf run {pipeline.id} --from {failed[0].job}{environment}")
    if keep:
        minutes = KEEP_SECONDS // 60
        terminal.note(f"Airflow stays ready for the next run, for {minutes} minutes. Stop it earlier: dagf down")
        if stack.remote is None:
            terminal.note(f"kubectl: export KUBECONFIG={stack.cluster_folder / 'kubeconfig'}")


def _reports(stack: Stack, pipeline: Pipeline, result: RunResult) -> list[Path]:
    """Return the files that outputs name as ``report`` and that exist on this machine, in the folder of a claim."""
    from dag_factory import cluster

    found = []
    for output in result.outputs.values():
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
