"""``cycle``: what the DAG processor does with 1,000 pipelines each time, and how much of it is the parse."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.contestants import HAND, THIS, WORK
from benchmarks.figures.folder import environment, project
from benchmarks.measure import Figure, Probe, interleaved, median, ratio


def measure(quick: bool) -> Iterator[Figure]:
    """Of the second cycle, in which nothing has changed: that is what a processor does all day."""
    count = 100 if quick else 1000
    probes = {}
    for one in (HAND, THIS):
        folder = project(one, "real", count)
        home = WORK / f"airflow-cycle-{one.name}"
        shutil.rmtree(home, ignore_errors=True)
        probes[one.name] = Probe(one.python(), "cycle.py", (str(folder / "dags"),), _settings(folder, home))
    for probe in probes.values():
        probe.run()
    told = interleaved(probes, 2)
    yield Figure(f"cycle_ratio_{count}", ratio(told, THIS.name, HAND.name))
    for name, each in told.items():
        yield Figure(f"cycle_seconds_{count}.{name}", median(each))
        for part in ("parse", "serialize", "store"):
            yield Figure(f"cycle_{part}_share_{count}.{name}", median(each, part) / median(each))


def _settings(folder: Path, home: Path) -> dict[str, str]:
    database = f"sqlite:///{home}/airflow.db"
    return environment(folder) | {"AIRFLOW_HOME": str(home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database}
