"""A command that is told to end ends, wherever the signal finds it."""

from __future__ import annotations

import subprocess
import sys

LOST = """
import os, signal, time
from dag_factory.cli import interrupts

class Cleared:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)

interrupts.once()
try:
    Cleared()
    time.sleep(60)
except KeyboardInterrupt:
    print("stopping", flush=True)
    raise SystemExit(130) from None
finally:
    time.sleep(2.5)
    print("stopped", flush=True)
"""


def test_a_signal_that_python_drops_comes_again_and_disturbs_no_stopping() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=50)
    assert "Exception ignored in" in done.stderr
    assert (done.returncode, done.stdout) == (130, "stopping\nstopped\n")
