"""For commands that start processes: whatever signal ends a command, it first stops what it started."""

from __future__ import annotations

import signal
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_on_first_signal() -> None:
    """Raise ``KeyboardInterrupt`` at the first signal; ignore those that follow, so that they disturb no cleanup."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _raise_once)


def _raise_once(*_: Any) -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
