"""For commands that start processes: however they are told to end, they first stop what they started."""

from __future__ import annotations

import signal
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def once() -> None:
    """From here on the first signal to end raises ``KeyboardInterrupt``; the stopping that follows is not disturbed."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's, say
            signal.signal(number, _first)


def _first(*_: Any) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
