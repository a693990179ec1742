"""How a command says that it could not run."""

from __future__ import annotations


class CouldNotRun(Exception):
    """The command could not do its work; the message says why and what to do. The exit code is 2."""
