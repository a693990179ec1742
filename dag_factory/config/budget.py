"""What one configuration file may still cost while it is compiled: processor time, and the values it makes.

Two kinds of bounds. The counted ones end a file's work at a place that can be told. ``within`` is for what
nobody has counted: it interrupts whatever runs, a regular expression too, and tells the file alone.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from dag_factory.settings import BOUNDS

T = TypeVar("T")
_AGAIN = 0.1  # seconds; where the first interruption was lost, as in a destructor


class OutOfTime(BaseException):
    """The work took too long. No ``Exception``, so that nothing in between takes it for a fault of its own."""


class _Account(threading.local):
    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.deadline = time.thread_time() + BOUNDS.expression_seconds
        self.values = BOUNDS.merged_values
        self.maps = BOUNDS.merged_maps


_account = _Account()


def begin() -> None:
    """Give another file its time and its values."""
    _account.open()


def is_out_of_time() -> bool:
    """Whether the file's expressions have had their time."""
    return time.thread_time() > _account.deadline


def spend(values: int) -> bool:
    """Whether the file may make so many values more, which are then spent; see ``tree.weight``."""
    _account.values -= values
    return _account.values >= 0


def spend_maps(maps: int) -> bool:
    """The same for maps; see ``tree.maps``."""
    _account.maps -= maps
    return _account.maps >= 0


def within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` returns. Raises ``OutOfTime`` where it takes more processor time than that.

    Python interrupts its main thread only: in another one the work has the time that it takes. Bounds may
    stand in each other.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    before = signal.signal(signal.SIGPROF, _interrupt)
    left, again = signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN)
    if 0 < left < seconds:
        signal.setitimer(signal.ITIMER_PROF, left, _AGAIN)
    began = time.process_time()
    try:
        try:
            return work()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    finally:  # twice, since the signal may come just before the first: no other comes so soon after it
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL if before is None else before)
        if left > 0:
            signal.setitimer(signal.ITIMER_PROF, max(left - (time.process_time() - began), 1e-6), again)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise OutOfTime
