"""What every probe needs: the clock, and a way to tell what was found."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any


def cpu() -> float:
    """Processor seconds of this process and of the children that it has waited for."""
    used = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def rss_mb() -> float:
    """The most memory that this process, or a child of it, has had, in MiB."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def tell(**found: Any) -> None:
    """Write what was found to the file that the first argument names; standard output is Airflow's."""
    Path(sys.argv[1]).write_text(json.dumps(found))
