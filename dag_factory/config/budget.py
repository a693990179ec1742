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
from typing import NamedTuple, TypeVar

from dag_factory.settings import BOUNDS

T = TypeVar("T")
REMEMBERED = 4_000  # texts with expressions
_AGAIN = 0.1  # seconds; where the first interruption was lost, as in a destructor


class OutOfTime(BaseException):
    """The work took too long. No ``Exception``, so that nothing in between takes it for a fault of its own."""


class _Account(threading.local):
    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.steps = BOUNDS.expression_steps
        self.words = BOUNDS.suggestion_words
        self.texts: set[str] = set()
        self.values = BOUNDS.merged_values
        self.maps = BOUNDS.merged_maps
        self.work = BOUNDS.params_work
        self.dag_work = BOUNDS.file_work


_account = _Account()


def reset() -> None:
    """Give another file its steps and its values."""
    _account.open()


def spend_steps(steps: int) -> bool:
    """Whether the file's expressions may take so many steps more, which are then spent."""
    _account.steps -= steps
    return _account.steps >= 0


def steps_left() -> int:
    """The steps that are left."""
    return _account.steps


def spend_words(words: int) -> bool:
    """Whether the file may have a word that it gets wrong compared with so many others."""
    _account.words -= words
    return _account.words >= 0


def is_new(text: str) -> bool:
    """Whether a text with expressions has to be compiled: most are compiled once for a file.

    The last ones are remembered, fewer than the process remembers: so the answer does not depend on earlier files.
    """
    if text in _account.texts:
        return False
    if len(_account.texts) >= REMEMBERED:
        _account.texts.clear()
    _account.texts.add(text)
    return True


def spend(values: int) -> bool:
    """Whether the file may make so many values more, which are then spent; see ``tree.weight``."""
    _account.values -= values
    return _account.values >= 0


def spend_maps(maps: int) -> bool:
    """The same for maps; see ``tree.maps``."""
    _account.maps -= maps
    return _account.maps >= 0


def work_left() -> int:
    """The work that is left to check the file's params; see ``validation_work``."""
    return _account.work


def spend_work(work: int) -> bool:
    """Whether the file may take so much of it, which is then spent."""
    _account.work -= work
    return _account.work >= 0


def spend_dag_work(work: int) -> bool:
    """The same for what Airflow has to build and to serialize; see ``work``."""
    _account.dag_work -= work
    return _account.dag_work >= 0


def within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` returns. Raises ``OutOfTime`` where it takes more processor time than that.

    Python interrupts its main thread only: in another one the work has the time that it takes. Bounds may
    stand in each other: where an outer one is over, no inner one says that it was its own.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    mine = _Bound(time.process_time() + seconds)
    depth = len(_bounds)
    before = signal.signal(signal.SIGPROF, _interrupt) if depth == 0 else None
    earlier = signal.getitimer(signal.ITIMER_PROF) if depth == 0 else (0.0, 0.0)
    _bounds.append(mine)
    try:
        try:
            _set_timer()
            return work()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except _Over as over:
        if over.bound is mine:
            raise OutOfTime from None
        raise
    finally:  # the timer once more, since the signal may have come just before it was stopped: no other comes so soon
        signal.setitimer(signal.ITIMER_PROF, 0)
        del _bounds[depth:]
        if depth:
            _set_timer()
        else:
            signal.signal(signal.SIGPROF, signal.SIG_DFL if before is None else before)
            signal.setitimer(signal.ITIMER_PROF, *earlier)


class _Bound(NamedTuple):
    deadline: float  # in processor time of this process


class _Over(BaseException):
    """On its way to the bound that is over."""

    def __init__(self, bound: _Bound) -> None:
        self.bound = bound


_bounds: list[_Bound] = []
"""Those of the main thread that hold now, each within the one before it."""


def _next() -> _Bound:
    """The bound that ends first; of several the outermost."""
    return min(_bounds, key=lambda bound: bound.deadline)


def _set_timer() -> None:
    """Raises ``_Over`` where a bound is over already: the kernel gives a timer that is set anew another tick."""
    over = _next()
    left = over.deadline - time.process_time()
    if left <= 0:
        raise _Over(over)
    signal.setitimer(signal.ITIMER_PROF, left, _AGAIN)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    if not _bounds:
        return  # too late: the work is done
    over = _next()
    if over.deadline <= time.process_time():
        raise _Over(over)
    _set_timer()  # too early: the kernel counts in ticks
