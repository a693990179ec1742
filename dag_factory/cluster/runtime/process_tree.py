"""A process tree: its processes and the resources that they use."""

from __future__ import annotations

import contextlib

import psutil


def descendants(root: int) -> list[psutil.Process]:
    """The processes below ``root``, parents first. Empty if ``root`` has ended."""
    try:
        return psutil.Process(root).children(recursive=True)
    except psutil.Error:
        return []


def usage(root: int) -> tuple[float, int]:
    """Seconds of CPU and bytes of resident memory that ``root`` and its descendants use. Zero if it has ended."""
    seconds, resident = 0.0, 0
    try:
        processes = [psutil.Process(root), *descendants(root)]
    except psutil.Error:
        return seconds, resident
    for process in processes:
        with contextlib.suppress(psutil.Error), process.oneshot():
            times, memory = process.cpu_times(), process.memory_info()
            seconds += times.user + times.system
            resident += memory.rss - memory.shared
    return seconds, resident
