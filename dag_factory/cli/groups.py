"""Click groups whose commands return their exit code and raise ``CouldNotRun``.

Exit codes are the same for every command: 0 success, 1 the command found problems, 2 it could not run, 130 it was
interrupted.
"""

from __future__ import annotations

import signal
from typing import Any

import click

from dag_factory import settings
from dag_factory.cli.errors import CouldNotRun


class Commands(click.Group):
    """A group that lists its commands in the order of the code, each with the whole first sentence of its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(limit=500)) for name, one in self.commands.items()])


class Program(Commands):
    """The outermost group: turns what a command returns or raises into an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(128 + signal.SIGINT) from None  # click's own code is 1: problems found
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as failure:
            reason = _reason(failure, ctx)
            if reason is None:
                raise
            raise _Failed(reason) from failure
        ctx.exit(code or 0)


class _Failed(click.ClickException):
    exit_code = 2


def _reason(failure: Exception, ctx: click.Context) -> str | None:
    """Return the text for a person if the failure is not a fault of the program."""
    if isinstance(failure, ModuleNotFoundError):
        missing = failure.name or ""
        if missing.partition(".")[0] in ("", "dag_factory"):
            return None
        return f"`dagf {ctx.invoked_subcommand}` needs {missing}, which is not installed; {settings.INSTALL_HINT}"
    from dag_factory.config import ProjectError  # slow to import; the command that failed has imported it

    return str(failure) if isinstance(failure, (CouldNotRun, ProjectError)) else None
