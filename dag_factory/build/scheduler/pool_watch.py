"""Keeps Airflow's pools up to date while the scheduler runs: a new pool exists soon after its commit.

A daemon thread looks at the sizes and times of the platform's files. Where they changed, a process of its own writes
the pools: the scheduler forks tasks, so its thread must not hold a lock of the database's or of an import.
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
"""Between two looks."""
_PROGRAM = "from dag_factory.build.scheduler.pools import sync_pools; sync_pools()"
_LONGEST = 300  # seconds that writing the pools may take

State = tuple[tuple[str, int, int, int], ...]
"""Name, inode, time and size of each file below ``platform/``."""


class PlatformWatch:
    """Looks for changed tables. ``folder`` finds the loader's folder, ``write`` writes the pools and may fail."""

    def __init__(self, folder: Callable[[], Path], write: Callable[[], bool]) -> None:
        self._folder, self._write = folder, write
        self._loader: Path | None = None
        self._seen = self.state()

    def state(self) -> State:
        """The platform's files as they are; nothing where there is no project yet."""
        if self._loader is None:
            self._loader = self._folder()
        found = _state(self._loader)
        if not found:
            self._loader = None  # a bundle may come later, elsewhere
        return found

    def look(self) -> bool:
        """Write the pools where the tables changed since they were last written. Returns whether it did."""
        state = self.state()
        if state == self._seen or not self._write():
            return False
        self._seen = state
        return True

    def run(self, stopped: threading.Event) -> None:
        """Look until stopped; a failure costs one look."""
        while not stopped.wait(INTERVAL):
            try:
                self.look()
            except Exception as error:
                log.warning("dagwright: the pools could not be compared with flavors.yaml: %s", error)


def start(watch: PlatformWatch) -> threading.Thread:
    """Run a watch beside the scheduler, until its process ends."""
    thread = threading.Thread(target=watch.run, args=(threading.Event(),), name="dagwright_pools", daemon=True)
    thread.start()
    return thread


def write_in_process() -> bool:
    """Write the pools in a process of its own, with this one's environment. Returns whether it succeeded."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=_LONGEST, check=False
    )
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        log.warning("dagwright: the pools of the changed flavors.yaml were not written: %s", last)
    else:
        log.info("dagwright: the platform's tables changed; the pools are written")
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
