"""``dagf render``: the pods of a pipeline as Kubernetes YAML, and its DAG."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dag_factory.cli import report, terminal
from dag_factory.cli.commands.find_pipeline import find_pipeline
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.model import Job, Pipeline
from dag_factory.config.pod.operator_pod import rejected_templates
from dag_factory.config.suggestions import did_you_mean
from dag_factory.overview.compiled import One, open_environments
from dag_factory.overview.manifests import manifests
from dag_factory.overview.rendered import render as render_pipeline


def render(pipeline: str, job: str | None, environment: str | None, home: Path | None, output_format: str) -> int:
    """Print the pods of a pipeline, or of one job, in the given environment or in the first that has the pipeline."""
    root = find_home(home)
    existing = find_pipeline(open_environments(root, (environment,) if environment else ()), pipeline)
    chosen, one = _choose(existing, job)
    if one.pipeline is None:
        report.print_problems(one.problems, root)
        terminal.note(f"{pipeline} has errors in {chosen}, so it has no pods.")
        return 1
    result = render_pipeline(one.pipeline, _jobs(one.pipeline, job))
    if output_format == "json":
        terminal.write(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        terminal.write(manifests(result, with_dag=job is None).rstrip("\n"))
    for name, pod in result.pods.items():
        for path in rejected_templates(pod):
            terminal.note(f"note: {path} of `{name}` is a template; a cluster rejects it until Airflow has rendered it")
    others = [name for name, _ in existing if name != chosen]
    if others and not environment:
        terminal.note(f"Environment {chosen}. For another one, use --env: {', '.join(others)}.")
    return 0


def _choose(existing: list[tuple[str, One]], job: str | None) -> tuple[str, One]:
    """The first environment that can show the job; else the first that can show the pipeline; else the first."""
    usable = [(name, one) for name, one in existing if one.pipeline]
    having = [(name, one) for name, one in usable if job and one.pipeline and _named(one.pipeline, job)]
    return next(iter([*having, *usable, *existing]))


def _named(pipeline: Pipeline, name: str) -> tuple[Job, ...]:
    """The job with this name, or the jobs of all cells of the matrix with this name."""
    names = pipeline.cells.get(name, (name,))
    return tuple(one for one in pipeline.jobs if one.name in names)


def _jobs(pipeline: Pipeline, name: str | None) -> tuple[Job, ...]:
    """The jobs to show; all if no name is given. Raises ``CouldNotRun`` if no job has the name."""
    if name is None:
        return ()
    found = _named(pipeline, name)
    if not found:
        hint = did_you_mean(name, [*(one.name for one in pipeline.jobs), *pipeline.cells])
        raise CouldNotRun(f"`{pipeline.id}` has no job `{name}` in {pipeline.environment}; {hint}")
    return found
