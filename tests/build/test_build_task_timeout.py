"""A task whose timeout passes while it writes to the log."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import io, structlog
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout
from dag_factory.build.worker.tries import task_timeout

class Slow(io.BytesIO):  # a log that is always being written
    def write(self, data):
        while True:
            pass

structlog.configure(processors=[lambda *_: b"line"], logger_factory=lambda *_: logger, cache_logger_on_first_use=False)
logger = structlog.BytesLogger(Slow())
try:
    with timeout(1):
        if QUIET:
            task_timeout.raise_without_log()
        logger.msg(b"a line of the program")
except AirflowTaskTimeout as failure:
    print("ended:", failure)
"""


def run(quiet: bool, seconds: float) -> str:
    program = PROGRAM.replace("QUIET", str(quiet))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=seconds).stdout


def test_the_timeout_ends_a_task_that_writes_to_its_log() -> None:
    assert run(quiet=True, seconds=300) == "ended: the task exceeded its timeout\n"


def test_airflow_alone_would_wait_forever() -> None:
    """If this fails, Airflow has fixed its handler, and ``task_timeout`` can go."""
    with pytest.raises(subprocess.TimeoutExpired):
        run(quiet=False, seconds=25)
