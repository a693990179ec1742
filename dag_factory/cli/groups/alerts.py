"""Names, options and help of the ``dagf alerts`` commands. Their work is in ``commands.alerts``."""

from __future__ import annotations

from pathlib import Path

import click

from dag_factory.cli import completion
from dag_factory.cli.groups.program import Commands
from dag_factory.cli.options import environment_option, home_option

_environment = environment_option("The environment.  [default: DAG_FACTORY_ENV, or the only one]")


@click.group(cls=Commands)
def alerts() -> None:
    """Try the channels of alerts.

    \b
    Examples:
      dagf alerts list
      dagf alerts test oncall --env prod
    """


@alerts.command("list")
@_environment
@home_option
def list_channels(environment: str | None, home: Path | None) -> int:
    """List the channels of configs/platform/alerts.yaml, and who names them.

    \b
    Examples:
      dagf alerts list
      dagf alerts list --env prod
    """
    from dag_factory.cli.commands.alerts import list_channels

    return list_channels(environment, home)


@alerts.command()
@click.argument("channels", nargs=-1, required=True, metavar="CHANNEL...", shell_complete=completion.channels)
@_environment
@home_option
def test(channels: tuple[str, ...], environment: str | None, home: Path | None) -> int:
    """Send a sample alert to each CHANNEL, and print what was done or how to fix it.

    Run it where Airflow's own commands work, such as in the scheduler's pod: the channels use Airflow connections.

    \b
    Examples:
      dagf alerts test oncall
      dagf alerts test oncall chat --env prod

    Exit code: 0 if every channel accepted the alert, 1 if one did not, 2 if there is no such channel.
    """
    from dag_factory.cli.commands.alerts import test

    return test(channels, environment, home)
