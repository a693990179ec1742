"""For commands that start processes: however they are told to end, they first stop what they started."""

from __future__ import annotations

import signal
import sys
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN = 1.0  # seconds


def once() -> None:
    """From here on the first signal to end raises ``KeyboardInterrupt``; the stopping that follows is not disturbed."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's, say
            signal.signal(number, _first)


def _first(*_: Any) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _again)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
    raise KeyboardInterrupt


def _again(*_: Any) -> None:
    """Once more where the first was lost: Python drops what is raised while it clears an object away."""
    handled = sys.exc_info()[1]
    while handled is not None:
        if isinstance(handled, KeyboardInterrupt):
            return
        handled = handled.__context__
    raise KeyboardInterrupt
