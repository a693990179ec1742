"""``dagf demo``: run one pipeline from its YAML file to its report, on a machine with nothing but this project."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.commands.run import Options, run


def demo(dag_id: str, home: Path | None) -> int:
    """Run one DAG to its end as `dagf run` does, and stop everything. Returns the same exit codes."""
    code = run(dag_id, None, home, Options(keep=False))
    if code in (0, 1):
        terminal.write("Everything is stopped again.")
    if code == 0:
        terminal.note(
            f"Next: change its file and run it again with dagf run {dag_id}, or open Airflow's UI with dagf up."
        )
    return code
