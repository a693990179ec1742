"""``dagf down``: stop what ``dagf up`` started."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.find_home import find_home
from dag_factory.cli.stack import Stack
from dag_factory.config.platform.tables import Tables


def down(home: Path | None) -> int:
    """Stop Airflow and the local cluster, for whatever environment they were started."""
    # No table of the project is read: a broken table must not keep anything from stopping.
    stack = Stack(find_home(home), "up", Tables(environment="", known_environments=()))
    terminal.write("Stopped." if stack.stop() else "Nothing was running.")
    return 0
