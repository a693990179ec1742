"""``dagf up``: the local cluster and Airflow with its UI, until ``dagf down``."""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli import CouldNotRun, interrupts
from dag_factory.cli.stack import Stack, open_stack
from dag_factory.local.instance import LocalError, check_port


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Of Airflow's UI.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The folder that holds configs/.")
def up(port: int, home: Path | None) -> None:
    """Start the local cluster and Airflow, and leave them running.

    Airflow's UI asks for no login and is bound to this machine's loopback address.
    """
    stack = open_stack("up", home)
    interrupts.once()
    try:
        address = start(stack, port)
    except LocalError as failure:
        raise CouldNotRun(str(failure)) from failure
    click.echo(f"Airflow: {address}  (no login; this machine only)")
    click.echo(f"Pods run as processes on this machine, a stand-in for development: {stack.cluster_folder}")
    click.echo(f"Logs: {stack.instance.logs}  Stop with: make down (or dagf down)")


def start(stack: Stack, port: int) -> str:
    """Start what does not run yet. Returns the UI's address. Raises ``LocalError``."""
    from dag_factory import cluster

    running = stack.instance.running()
    if running:
        click.echo("Airflow is running already.", err=True)
        return running.url
    check_port(port)
    click.echo(f"Starting the local cluster and Airflow for the environment {stack.tables.environment} …", err=True)
    try:
        cluster.up(stack.cluster)
    except cluster.ClusterError as failure:
        raise LocalError(f"The local cluster did not start: {failure}") from failure
    try:
        return stack.instance.start(port, report=lambda text: click.echo(text, err=True)).url
    except BaseException:
        cluster.down(stack.cluster_folder)
        raise


def stop(stack: Stack) -> bool:
    """End both parts, Airflow first. Returns whether one of them ran."""
    from dag_factory import cluster

    airflow = stack.instance.stop()
    return cluster.down(stack.cluster_folder) or airflow
