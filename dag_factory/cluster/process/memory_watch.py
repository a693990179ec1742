"""Memory limits where control groups are not available: the memory of processes is measured at intervals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..runtime import process_tree

_INTERVAL = 0.2  # seconds


class MemoryWatch:
    """Measures each container that has a limit, and calls back once for one that exceeds it."""

    def __init__(self) -> None:
        self._watched: dict[str, tuple[int, int, Callable[[], None]]] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, key: str, pid: int, limit: int, on_exceeded: Callable[[], None]) -> None:
        """Watch the processes from ``pid`` down. ``limit`` is in bytes."""
        self._watched[key] = (pid, limit, on_exceeded)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def drop(self, key: str) -> None:
        self._watched.pop(key, None)

    async def _run(self) -> None:
        while self._watched:
            for key, (pid, limit, on_exceeded) in list(self._watched.items()):
                if process_tree.usage(pid)[1] > limit:
                    self.drop(key)
                    on_exceeded()
            await asyncio.sleep(_INTERVAL)
