"""``dagf graph``: the jobs of one pipeline and the order in which they run."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import report, terminal
from dag_factory.cli.commands.find_pipeline import find_pipeline
from dag_factory.cli.find_home import find_home
from dag_factory.overview import draw
from dag_factory.overview.compiled import open_environments
from dag_factory.overview.graph import make_graph


def graph(pipeline: str, environment: str | None, home: Path | None, output_format: str) -> int:
    """Print the graph of a pipeline, in the given environment or in the first that has the pipeline."""
    root = find_home(home)
    existing = find_pipeline(open_environments(root, (environment,) if environment else ()), pipeline)
    chosen, one = next((pair for pair in existing if pair[1].pipeline), existing[0])
    if one.pipeline is None:
        report.print_problems(one.problems, root)
        terminal.note(f"{pipeline} has errors in {chosen}, so it has no graph.")
        return 1
    result = make_graph(one.pipeline)
    terminal.write(draw.mermaid(result) if output_format == "mermaid" else draw.text(result))
    others = [name for name, _ in existing if name != chosen]
    if others:
        terminal.note(f"Environment {chosen}. For another one, use --env: {', '.join(others)}.")
    return 0
