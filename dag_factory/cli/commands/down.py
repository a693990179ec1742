"""``dagf down``: stop what ``dagf up`` and ``dagf run`` started."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.find_home import find_home
from dag_factory.cli.stack import Stack
from dag_factory.config.platform.tables import Tables
from dag_factory.local.runs.private_airflow import NAME


def down(home: Path | None) -> int:
    """Stop Airflow and the local cluster, for whatever environment they were started."""
    # No table of the project is read: a broken table must not keep anything from stopping.
    root, tables = find_home(home), Tables(environment="", known_environments=())
    stacks = [Stack(root, "up", tables), Stack(root, NAME, tables, private=True)]
    stopped = [stack.stop() for stack in stacks]
    terminal.write("Stopped." if any(stopped) else "Nothing was running.")
    return 0
