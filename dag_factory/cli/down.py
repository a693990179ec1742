"""``dagf down``: end what ``dagf up`` started."""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli.check import find_home
from dag_factory.cli.stack import Stack
from dag_factory.cli.up import stop
from dag_factory.config.platform.tables import Tables


@click.command()
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The folder that holds configs/.")
def down(home: Path | None) -> None:
    """Stop Airflow and the local cluster. Runs, logs and claims stay for the next time."""
    # Whatever environment it was started for, and whatever is wrong with the project by now.
    stack = Stack(find_home(home, ()), "up", Tables(environment="", known_environments=()))
    click.echo("Stopped." if stop(stack) else "Nothing was running.")
