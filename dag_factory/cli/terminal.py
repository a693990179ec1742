"""How commands print. Colors appear only on a terminal that has them, and never if ``NO_COLOR`` is set."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dag_factory import settings
from dag_factory.cli.errors import CouldNotRun

if TYPE_CHECKING:  # slow to import
    from rich.console import Console

style = click.style
"""Return the text with terminal codes for ``fg`` and ``bold``."""


def open_closed_streams() -> None:
    """Connect a standard stream that the caller closed, as in `dagf check >&-`, to nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It also takes the number of the closed stream, so that no other file gets it.
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115


def color() -> bool | None:
    """Whether to print colors; None if that depends on the stream: a terminal gets them, a file or a pipe does not."""
    return None if settings.terminal_has_colors() else False


def console(*, stderr: bool = False) -> Console:
    """Return a console of rich, for tables and live output, with the same rule for colors."""
    from rich.console import Console

    if settings.terminal_has_colors():
        return Console(stderr=stderr, highlight=False)
    return Console(stderr=stderr, highlight=False, color_system=None)


def write(text: object = "") -> None:
    """Print a result to standard output."""
    click.echo(text)


def note(text: object) -> None:
    """Print a remark about the work to standard error."""
    click.echo(text, err=True)


def is_interactive() -> bool:
    """Whether a person can be asked: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> str:
    """Ask for a line on standard error. Raises ``CouldNotRun`` at the end of the input."""
    click.echo(question, nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise CouldNotRun("the input ended before the last answer; nothing was written")
    return answer.strip()


def confirm(question: str) -> bool:
    """Ask a question on standard error. Returns whether the answer is yes. Raises ``CouldNotRun`` without an answer."""
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise CouldNotRun("nobody answered; answer with y or n, or use --yes")
    return answer.strip().lower() in ("y", "yes")
