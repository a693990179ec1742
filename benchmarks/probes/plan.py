"""Run ``dagf plan`` or ``dagf check`` as a command without a cache: ``python plan.py OUT HOME COMMAND [FILE OLD NEW]``.

The text OLD of FILE is replaced by NEW while the command runs.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from common import cpu, rss_mb, write_result

dagf = Path(sys.executable).parent / "dagf"
home, command, *edit = sys.argv[2:]
path = Path(home, edit[0]) if edit else None
original = path.read_text() if path else ""
if path:
    if edit[1] not in original:
        raise SystemExit(f"{path} does not contain {edit[1]}")
    path.write_text(original.replace(edit[1], edit[2]))
try:
    used, began = cpu(), time.perf_counter()
    subprocess.run([str(dagf), command, "--home", home], check=True, capture_output=True)
    write_result(seconds=time.perf_counter() - began, cpu=cpu() - used, rss_mb=rss_mb())
finally:
    if path:
        path.write_text(original)
