"""Keep Airflow's pools up to date while the scheduler runs: a new pool exists soon after its commit.

A daemon thread compares the sizes and times of the platform's files. If they changed, a separate process writes the
pools: the scheduler forks tasks, so its thread must not hold a database lock or an import lock.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from dag_factory import settings
from dag_factory.config.source.layout import PLATFORM

log = logging.getLogger(__name__)

INTERVAL = 15.0
"""Seconds between two comparisons."""
_PROGRAM = "from dag_factory.build.scheduler.pools import sync_pools; sync_pools()"
_WRITE_TIMEOUT = 300  # seconds

State = tuple[tuple[str, int, int, int], ...]
"""Name, inode, modification time and size of each file below ``platform/``."""


class PlatformWatch:
    """Watches the platform's files. ``folder`` finds the loader's folder; ``write`` writes the pools and may fail."""

    def __init__(self, folder: Callable[[], Path], write: Callable[[], bool]) -> None:
        self._folder, self._write = folder, write
        self._loader: Path | None = None
        self._seen = self.state()

    def state(self) -> State:
        """Return the current state of the platform's files; it is empty if there is no project yet."""
        if self._loader is None:
            self._loader = self._folder()
        found = _state(self._loader)
        if not found:
            self._loader = None  # a bundle may appear later, in another folder
        return found

    def update(self) -> bool:
        """Write the pools if the files changed since the last write. Return whether the pools were written."""
        state = self.state()
        if state == self._seen or not self._write():
            return False
        self._seen = state
        return True

    def run(self, stopped: threading.Event) -> None:
        """Update the pools until stopped. A failure is logged, and the next round tries again."""
        while not stopped.wait(INTERVAL):
            try:
                self.update()
            except Exception as error:
                log.warning("dagwright: cannot compare the pools with flavors.yaml: %s", error)


def start(watch: PlatformWatch) -> threading.Thread:
    """Run a watch in a thread until the process of the scheduler ends."""
    thread = threading.Thread(target=watch.run, args=(threading.Event(),), name="dagwright_pools", daemon=True)
    thread.start()
    return thread


def write_in_process() -> bool:
    """Write the pools in a separate process with the same environment. Return whether it succeeded."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=_WRITE_TIMEOUT, check=False
    )
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        log.warning("dagwright: the pools of the changed flavors.yaml could not be written: %s", last)
    else:
        log.info("dagwright: the platform's files changed; the pools are up to date")
    return not done.returncode


def _state(loader_folder: Path) -> State:
    home = settings.home() or loader_folder.parent
    if not (home / "configs").is_dir():
        home = loader_folder.resolve().parent
    found = []
    for parent, folders, names in os.walk(home.resolve() / PLATFORM):
        folders.sort()
        for name in sorted(names):
            try:
                about = os.stat(f"{parent}/{name}")  # noqa: PTH116
            except OSError:
                continue
            found.append((f"{parent}/{name}", about.st_ino, about.st_mtime_ns, about.st_size))
    return tuple(found)
