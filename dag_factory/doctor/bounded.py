"""Run functions at the same time, and wait for them only until a deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
WORKERS = 8


def run_all(functions: Sequence[Callable[[], T]], seconds: float) -> list[T | None]:
    """Return the result of each function, None for those that did not end in time. Raises what a function raises.

    The threads are daemons: a function that never ends, such as a login program that waits, does not keep the process.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, T | None, BaseException | None]] = queue.SimpleQueue()
    for index in range(len(functions)):
        waiting.put(index)

    def work() -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((index, functions[index](), None))
            except BaseException as failure:
                done.put((index, None, failure))

    for _ in range(min(WORKERS, len(functions))):
        threading.Thread(target=work, daemon=True).start()
    results: list[T | None] = [None] * len(functions)
    deadline = time.monotonic() + seconds
    for _ in functions:
        try:
            index, result, failure = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if failure is not None:
            raise failure
        results[index] = result
    return results
