"""What the commands of ``dagf cluster`` share: which cluster they work on, and how its errors are reported."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from dag_factory import settings
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cluster import ClusterError


def state_folder(state: Path | None) -> Path:
    """Return the folder of the cluster: ``state``, else ``.dagf/cluster`` in the project."""
    return (state or (settings.home() or Path.cwd()) / ".dagf" / "cluster").absolute()


@contextlib.contextmanager
def cluster_errors() -> Iterator[None]:
    """Raise ``CouldNotRun`` in place of ``ClusterError``."""
    try:
        yield
    except ClusterError as failure:
        raise CouldNotRun(str(failure)) from failure
