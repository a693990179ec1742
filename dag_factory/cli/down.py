"""``dagf down``: end what ``dagf up`` started."""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli.stack import open_stack
from dag_factory.cli.up import stop


@click.command()
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The folder that holds configs/.")
def down(home: Path | None) -> None:
    """Stop Airflow and the local cluster. Runs, logs and claims stay for the next time."""
    click.echo("Stopped." if stop(open_stack("up", home)) else "Nothing was running.")
