"""How commands print. Colours appear only if the stream is a terminal."""

from __future__ import annotations

import sys

import click

from dag_factory.cli.errors import CouldNotRun

style = click.style
"""Return the text with terminal codes for ``fg`` and ``bold``."""


def write(text: object = "") -> None:
    """Print a result to standard output."""
    click.echo(text)


def note(text: object) -> None:
    """Print a remark about the work to standard error."""
    click.echo(text, err=True)


def confirm(question: str) -> bool:
    """Ask a question on standard error. Returns whether the answer is yes. Raises ``CouldNotRun`` without an answer."""
    click.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise CouldNotRun("nobody answered; answer with y or n, or use --yes")
    return answer.strip().lower() in ("y", "yes")
