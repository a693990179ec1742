"""What every probe needs: processor time, memory, and the file for its result."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any


def cpu() -> float:
    """Return the processor seconds of this process and of the children that it has waited for."""
    used = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def rss_mb() -> float:
    """Return the peak memory, in MiB, of this process or of its largest child."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def write_result(**result: Any) -> None:
    """Write the result to the file that the first argument names. Standard output belongs to Airflow."""
    Path(sys.argv[1]).write_text(json.dumps(result))
