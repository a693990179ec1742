"""How commands print. Colours appear only if the stream is a terminal."""

from __future__ import annotations

import click

style = click.style
"""Return the text with terminal codes for ``fg`` and ``bold``."""


def write(text: object = "") -> None:
    """Print a result to standard output."""
    click.echo(text)


def note(text: object) -> None:
    """Print a remark about the work to standard error."""
    click.echo(text, err=True)
