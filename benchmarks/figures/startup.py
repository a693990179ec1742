"""``startup_ms``: imports and parse of a task's process under the LocalExecutor, with and without the plugin."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import work
from benchmarks.contestants import THIS
from benchmarks.figures.folder import project
from benchmarks.measure import Figure, Probe, median, run_interleaved


def measure(quick: bool) -> Iterator[Figure]:
    """Measure milliseconds of processor time."""
    folder = project(THIS, "real", 100)
    (*_, last) = work.pipelines(100, "real")
    environment = {
        "DAG_FACTORY_ENV": "prod",
        "DAG_FACTORY_HOME": str(folder),
        "DAG_FACTORY_CACHE": "off",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
    }
    arguments = (str(folder / "dags"), last.id, last.jobs[-1].name)
    probes = {
        "cold": Probe(THIS.python(), "startup.py", arguments, environment),
        "warmed": Probe(THIS.python(), "startup.py", (*arguments, "--warm"), environment),
    }
    results = run_interleaved(probes, 3 if quick else 7)
    for name in probes:
        yield Figure(f"startup_ms_{name}", 1000 * median(results[name]))
