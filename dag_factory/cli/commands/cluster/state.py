"""What the commands of ``dagf cluster`` share: which cluster they work on, and how its errors are reported."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.cluster import ClusterError, is_running
from dag_factory.config import ProjectError

STACKS = ("up", "run", "demo")
"""The commands that start a cluster of their own, in ``.dagf/<command>/cluster``."""


def state_folder(state: Path | None) -> Path:
    """Return the folder of the cluster of `dagf cluster up`: ``state``, else ``.dagf/cluster`` in the project."""
    return (state or _home() / ".dagf" / "cluster").absolute()


def running_folder(state: Path | None) -> Path:
    """Return the folder of the cluster that runs: ``state``, else that of `dagf cluster up`, else that of a stack.

    If none runs, it is the folder of `dagf cluster up`.
    """
    own = state_folder(state)
    folders = [own] if state else [own, *(_home().absolute() / ".dagf" / name / "cluster" for name in STACKS)]
    return next((folder for folder in folders if is_running(folder)), own)


def _home() -> Path:
    try:
        return find_home()
    except ProjectError:  # a cluster needs no project
        return Path.cwd()


@contextlib.contextmanager
def cluster_errors() -> Iterator[None]:
    """Raise ``CouldNotRun`` in place of ``ClusterError``."""
    try:
        yield
    except ClusterError as failure:
        raise CouldNotRun(str(failure)) from failure
