"""The timeout of a task: a timer whose signal Airflow handles.

Airflow's handler (3.3) writes to the log before it raises. If the process is just writing to the log, it holds the lock
of the log, and the handler waits for this lock forever: the task stays running, and its pod, too.
"""

from __future__ import annotations

import signal
import threading
from typing import NoReturn

from airflow.sdk.exceptions import AirflowTaskTimeout


def raise_without_log() -> None:
    """Replace the handler of a timer that runs by one that only raises ``AirflowTaskTimeout``."""
    if threading.current_thread() is not threading.main_thread():
        return  # no timer: Airflow sets one only in the main thread
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        signal.signal(signal.SIGALRM, _raise)


def _raise(*_: object) -> NoReturn:
    raise AirflowTaskTimeout("the task exceeded its timeout")
