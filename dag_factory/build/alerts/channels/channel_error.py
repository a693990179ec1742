"""Why a channel could not send, and what to do about it."""

from __future__ import annotations


class ChannelError(Exception):
    """A message could not be sent. ``fix`` is what to do.

    ``is_setup``: the connection or the package of the channel is missing, so nothing was tried.
    """

    def __init__(self, problem: str, fix: str, is_setup: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.fix, self.is_setup = problem, fix, is_setup


EXTRA = "pip install 'dagwright[alerts]'"


def not_installed(provider: str) -> ChannelError:
    """The error for a provider that is not installed in this process of Airflow."""
    fix = f"install it wherever Airflow runs, for example with `{EXTRA}`"
    return ChannelError(f"the package {provider} is not installed", fix, is_setup=True)
