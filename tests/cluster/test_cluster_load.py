"""Many pods at once. `python benchmarks/cluster_load.py` does the same with 200 pods."""

from __future__ import annotations

import runpy
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "cluster_load.py"


def test_forty_pods_at_once_within_memory(tmp_path: Path) -> None:
    load = runpy.run_path(str(BENCHMARK))["run"](tmp_path, 40)
    assert (load.together, load.failed) == (40, 0)
    assert load.peak < 150, load  # MiB of the server and its launcher
