"""Click groups whose commands return their exit code and raise ``CouldNotRun``.

Exit codes are the same for every command: 0 success, 1 the command found problems, 2 it could not run, 130 it was
interrupted, 141 nobody reads its output any more.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from dag_factory import settings
from dag_factory.cli import terminal
from dag_factory.cli.errors import CouldNotRun


class Commands(click.Group):
    """A group that lists its commands in the order of the code, each with the whole first sentence of its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_section(formatter, "Commands", list(self.commands))

    def format_section(self, formatter: click.HelpFormatter, title: str, names: list[str]) -> None:
        """Write a section of the list of commands. All sections have columns of the same width."""
        width = max(map(len, self.commands))
        with formatter.section(title):
            formatter.write_dl([(name.ljust(width), _first_sentence(self.commands[name])) for name in names])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            from dag_factory.config.suggestions import did_you_mean

            ctx.fail(f"unknown command `{args[0]}`; {did_you_mean(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


class Program(Commands):
    """The outermost group: turns what a command returns or raises into an exit code.

    ``sections`` has the names of the commands by the title of their section in the help.
    """

    def __init__(self, *args: Any, sections: dict[str, tuple[str, ...]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections or {}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in self.sections.items():
            self.format_section(formatter, title, list(names))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        terminal.open_closed_streams()
        kwargs.setdefault("color", terminal.color())
        try:
            return super().main(*args, **kwargs)
        except OSError as failure:  # also the message of an error could not be written
            if _system_error(failure) is None:
                raise
            _discard_output()
            sys.exit(2)
        except SystemExit:
            try:
                sys.stdout.flush()
            except OSError:
                _discard_output()
            raise

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)  # prints the help
        except OSError as failure:
            raise _end_of(failure) from failure

    def invoke(self, ctx: click.Context) -> Any:
        try:
            code = super().invoke(ctx)
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                click.echo(err=True)  # ends the line with ^C
            raise click.exceptions.Exit(128 + signal.SIGINT) from None  # click's own code is 1: problems found
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as failure:
            raise _end_of(failure) from failure
        except Exception as failure:
            reason = _reason(failure, ctx)
            if reason is None:
                raise
            raise _Failed(reason) from failure
        ctx.exit(code or 0)


class _Failed(click.ClickException):
    exit_code = 2


def _first_sentence(command: click.Command) -> str:
    return command.get_short_help_str(limit=500)


def _end_of(failure: OSError) -> BaseException:
    """Return what ends the program after an error of the machine; the failure itself if it is our fault."""
    if isinstance(failure, BrokenPipeError):  # such as `dagf flavors | head -1`
        _discard_output()
        return SystemExit(128 + signal.SIGPIPE)
    reason = _system_error(failure)
    return _Failed(reason) if reason else failure


def _system_error(failure: OSError) -> str | None:
    """Return the text for a person if the failure is not a fault of the program."""
    if failure.filename is not None:
        return f"{os.fsdecode(failure.filename)}: {failure.strerror}"
    if failure.errno == errno.ENOENT and not _has_current_folder():
        return "the current folder does not exist any more; change to a folder that exists"
    if failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE):
        return f"the output cannot be written: {failure.strerror}"
    return None


def _has_current_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _discard_output() -> None:
    """Let Python write the rest of the output to nowhere when it ends, because it would fail again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _reason(failure: Exception, ctx: click.Context) -> str | None:
    """Return the text for a person if the failure is not a fault of the program."""
    if isinstance(failure, ModuleNotFoundError):
        missing = failure.name or ""
        if missing.partition(".")[0] in ("", "dag_factory"):
            return None
        return f"`dagf {ctx.invoked_subcommand}` needs {missing}, which is not installed; {settings.INSTALL_HINT}"
    from dag_factory.config import ProjectError  # slow to import; the command that failed has imported it

    return str(failure) if isinstance(failure, (CouldNotRun, ProjectError)) else None
