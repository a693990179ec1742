"""``cycle_ratio``: one cycle of the DAG processor with 1,000 pipelines, against Python written by hand.

The parse is only a part of the cycle; each part's share is printed, too.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants import HAND, THIS, WORK
from benchmarks.figures.folder import environment, project
from benchmarks.measure import Figure, Probe, median, ratio, run_interleaved


def measure(quick: bool) -> Iterator[Figure]:
    """Measure the second cycle, in which nothing has changed: the usual case in a DAG processor."""
    count = 100 if quick else 1000
    probes = {}
    for one in (HAND, THIS):
        folder = project(one, "real", count)
        home = WORK / f"airflow-cycle-{one.name}"
        shutil.rmtree(home, ignore_errors=True)
        probes[one.name] = Probe(one.python(), "cycle.py", (str(folder / "dags"),), _settings(folder, home))
    for probe in probes.values():
        probe.run()
    results = run_interleaved(probes, 2)
    yield Figure(f"cycle_ratio_{count}", ratio(results, THIS.name, HAND.name))
    for name, rounds in results.items():
        yield Figure(f"cycle_seconds_{count}.{name}", median(rounds))
        for part in ("parse", "serialize", "store"):
            yield Figure(f"cycle_{part}_share_{count}.{name}", median(rounds, part) / median(rounds))


def _settings(folder: Path, home: Path) -> dict[str, str]:
    database = f"sqlite:///{home}/airflow.db"
    return environment(folder) | {"AIRFLOW_HOME": str(home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database}
