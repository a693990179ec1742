"""Background processes: each has a log and a process group of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

_GRACE = 5.0  # seconds between SIGTERM and SIGKILL


class Process(msgspec.Struct, frozen=True):
    """A started process, the leader of its process group. ``created`` tells it from a later process with its id."""

    name: str
    pid: int
    created: float
    log: str

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        try:
            found = psutil.Process(self.pid)
            return abs(found.create_time() - self.created) < 1 and found.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, user: str | None = None
) -> Process:
    """Start a process, as this user if one is given. Its output replaces ``<folder>/<name>.log``."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            cwd="/" if user else None,
        )
    return Process(name, child.pid, psutil.Process(child.pid).create_time(), str(log))


def stop(processes: Sequence[Process]) -> None:
    """End process groups with SIGTERM, and with SIGKILL those that do not end in time."""
    groups = [process.pid for process in processes if process.alive or _members(process.pid)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            _signal(group, number)
        deadline = time.monotonic() + _GRACE
        while (groups := [group for group in groups if _members(group)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not groups:
            return


def tail(log: str, lines: int = 15) -> str:
    """The last lines of a log, empty if it cannot be read."""
    try:
        text = Path(log).read_text("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _members(group: int) -> list[int]:
    """The running processes of a group that this user may see."""
    found = []
    for process in psutil.process_iter(["pid", "status"]):
        try:
            if process.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(process.info["pid"]) == group:
                found.append(process.info["pid"])
        except (ProcessLookupError, PermissionError):
            continue
    return found


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
