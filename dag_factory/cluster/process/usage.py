"""What processes use, read from /proc: for people, and for memory limits where control groups are refused."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from .plain import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_INTERVAL = 0.2  # seconds between two looks at the processes with a limit


def of(pids: list[int]) -> tuple[float, int]:
    """Seconds of CPU and bytes resident of these processes; one that ended counts nothing."""
    seconds, resident = 0.0, 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / _TICKS
            shared = int(Path(f"/proc/{pid}/statm").read_text().split()[2])
            resident += (int(fields[21]) - shared) * _PAGE
    return seconds, resident


class MemoryWatch:
    """Looks at each container with a limit five times a second and calls back once for one that is over it."""

    def __init__(self) -> None:
        self._watched: dict[str, tuple[int, int, Callable[[], None]]] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, key: str, pid: int, limit: int, over: Callable[[], None]) -> None:
        self._watched[key] = (pid, limit, over)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def drop(self, key: str) -> None:
        self._watched.pop(key, None)

    async def _run(self) -> None:
        while self._watched:
            for key, (pid, limit, over) in list(self._watched.items()):
                if of([pid, *descendants(pid)])[1] > limit:
                    self.drop(key)
                    over()
            await asyncio.sleep(_INTERVAL)
