"""The budget of one configuration file while it is compiled: processor time, and the values that it makes.

There are two kinds of limits. Counted limits stop the work on a file at a known position. ``within`` is for everything
that is not counted: it interrupts any work, even a regular expression, and knows only the file.
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
_AGAIN = 0.1  # seconds until the next signal, if the first was lost, for example in a destructor


class OutOfTime(BaseException):
    """The work took too long. Not an ``Exception``, so that no handler in between catches it."""


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
    """Start the budget of another file."""
    _account.open()


def spend_steps(steps: int) -> bool:
    """Spend steps of the file's expressions. Return whether they were left."""
    _account.steps -= steps
    return _account.steps >= 0


def steps_left() -> int:
    """The steps that are left."""
    return _account.steps


def spend_words(words: int) -> bool:
    """Spend comparisons of an unknown name with known names. Return whether they were left."""
    _account.words -= words
    return _account.words >= 0


def is_new(text: str) -> bool:
    """Whether a text with expressions was not seen in this file, so that compiling it counts.

    It remembers fewer texts than the process caches, so the answer does not depend on earlier files.
    """
    if text in _account.texts:
        return False
    if len(_account.texts) >= REMEMBERED:
        _account.texts.clear()
    _account.texts.add(text)
    return True


def spend(values: int) -> bool:
    """Spend values that the file makes. Return whether they were left; see ``tree.count_values``."""
    _account.values -= values
    return _account.values >= 0


def spend_maps(maps: int) -> bool:
    """The same for maps; see ``tree.count_maps``."""
    _account.maps -= maps
    return _account.maps >= 0


def work_left() -> int:
    """The work that is left to check the file's params; see ``validation_cost``."""
    return _account.work


def spend_work(work: int) -> bool:
    """Spend work to check params. Return whether it was left."""
    _account.work -= work
    return _account.work >= 0


def spend_dag_work(work: int) -> bool:
    """The same for the work to build and serialize DAGs; see ``loader_work``."""
    _account.dag_work -= work
    return _account.dag_work >= 0


def within(seconds: float, work: Callable[[], T]) -> T:
    """The result of ``work``. Raises ``OutOfTime`` after ``seconds`` of processor time.

    Python delivers signals only to its main thread; in another thread the time is unlimited. Calls may be nested: if an
    outer limit is exceeded, the outer call raises.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    own = _Bound(time.process_time() + seconds)
    depth = len(_bounds)
    before = signal.signal(signal.SIGPROF, _interrupt) if depth == 0 else None
    earlier = signal.getitimer(signal.ITIMER_PROF) if depth == 0 else (0.0, 0.0)
    _bounds.append(own)
    try:
        try:
            _set_timer()
            return work()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except _Over as over:
        if over.bound is own:
            raise OutOfTime from None
        raise
    finally:  # stop the timer again: a signal just before the first stop may have set it again
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
    """Raised through nested calls to the call whose limit is exceeded."""

    def __init__(self, bound: _Bound) -> None:
        self.bound = bound


_bounds: list[_Bound] = []
"""The active limits of the main thread, outermost first."""


def _next() -> _Bound:
    """The limit that ends first; of several, the outermost."""
    return min(_bounds, key=lambda bound: bound.deadline)


def _set_timer() -> None:
    """Set the timer. Raises ``_Over`` if a limit is already exceeded: a timer that is set again gets another tick."""
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
