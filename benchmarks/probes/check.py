"""Run ``dagf check`` as a command: ``python check.py OUT HOME [ENVIRONMENT ...]``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from common import cpu, rss_mb, write_result

dagf = Path(sys.executable).parent / "dagf"
options = [word for name in sys.argv[3:] for word in ("--env", name)]
used, began = cpu(), time.perf_counter()
subprocess.run([str(dagf), "check", "--home", sys.argv[2], *options], check=True, capture_output=True)
write_result(seconds=time.perf_counter() - began, cpu=cpu() - used, rss_mb=rss_mb())
