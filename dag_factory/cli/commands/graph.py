"""``dagf graph``: the jobs of one pipeline and the order in which they run."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import report, terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.suggestions import did_you_mean
from dag_factory.overview import draw
from dag_factory.overview.compiled import compile_pipeline, open_environments, pipeline_ids
from dag_factory.overview.graph import make_graph


def graph(pipeline: str, environment: str | None, home: Path | None, output_format: str) -> int:
    """Print the graph of a pipeline, in the given environment or in the first that has the pipeline."""
    root = find_home(home)
    projects = open_environments(root, (environment,) if environment else ())
    found = [(project, compile_pipeline(project, pipeline)) for project in projects]
    existing = [(project, one) for project, one in found if one.exists]
    if not existing:
        known = {name for project in projects for name in pipeline_ids(project)}
        where = f" in {projects[0].environment}" if len(projects) == 1 else ""
        hint = did_you_mean(pipeline, known) or "the project has no pipelines"
        raise CouldNotRun(f"unknown pipeline `{pipeline}`{where}; {hint}")
    project, one = next((pair for pair in existing if pair[1].pipeline), existing[0])
    if one.pipeline is None:
        report.print_problems(one.problems, root)
        terminal.note(f"{pipeline} has errors in {project.environment}, so it has no graph.")
        return 1
    result = make_graph(one.pipeline)
    terminal.write(draw.mermaid(result) if output_format == "mermaid" else draw.text(result))
    others = [other.environment for other, _ in existing if other is not project]
    if others:
        terminal.note(f"Environment {project.environment}. For another one, use --env: {', '.join(others)}.")
    return 0
