"""Read every YAML file below a folder with PyYAML's C loader: ``python read_yaml.py OUT FOLDER``.

This is the baseline of ``dagf check``. Each run is a process of its own, as a run of ``dagf check`` is.
"""

from __future__ import annotations

import subprocess
import sys
import time

from common import cpu, rss_mb, write_result

READ = """
import sys
from pathlib import Path

import yaml

for path in sorted(Path(sys.argv[1]).rglob("*.yaml")):
    yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
"""
used, began = cpu(), time.perf_counter()
subprocess.run([sys.executable, "-c", READ, sys.argv[2]], check=True, capture_output=True)
write_result(seconds=time.perf_counter() - began, cpu=cpu() - used, rss_mb=rss_mb())
