"""The ``dagf`` command: one module for each subcommand, imported when it is asked for.

Exit codes are the same everywhere: 0 fine, 1 the thing asked about has problems, 2 the command could not run,
130 it was interrupted.
"""

from __future__ import annotations

import importlib
import signal
from typing import Any

import click

from dag_factory import settings
from dag_factory.config import ProjectError

_COMMANDS = {
    "check": "Print the problems of all configuration files.",
    "schema": "Write the schemas that editors complete from, with this project's names.",
    "demo": "Run the machine-learning example to its end on this machine.",
    "up": "Start the local cluster and Airflow with its UI.",
    "down": "Stop what `up` started.",
    "cluster": "The local cluster: a stand-in for Kubernetes on this machine.",
}


class _Lazy(click.Group):
    """Subcommands whose modules are imported only when they run, so that ``--help`` and ``check`` stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        try:
            module = importlib.import_module(f"dag_factory.cli.{cmd_name}")
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("dag_factory"):
                raise
            what = f"`dagf {cmd_name}` needs {missing.name}, which is not installed"
            raise CouldNotRun(f"{what}; {settings.INSTALL}") from missing
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ProjectError as failure:
            raise CouldNotRun(str(failure)) from failure
        except KeyboardInterrupt:
            raise click.exceptions.Exit(128 + signal.SIGINT) from None  # click's own 1 would say: problems found


class CouldNotRun(click.ClickException):
    """The command could not do its work: exit code 2."""

    exit_code = 2


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dagwright", prog_name="dagf")
def main() -> None:
    """Pipelines in YAML, for Apache Airflow on Kubernetes."""
