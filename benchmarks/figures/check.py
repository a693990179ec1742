"""``check_ratio``: ``dagf check``, against reading the same files with PyYAML's C loader.

Both are processor time from the start of the process to its end. The seconds on the clock and the memory are printed,
too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.contestants import THIS
from benchmarks.figures.folder import environment, project
from benchmarks.measure import Figure, Probe, median, ratio, run_interleaved, set_aside

ONE = {"cold": 9.0, "warm": 0.8}
ALL = {"cold": 22.0, "warm": 1.0}
"""The targets for one environment and for all three: the cache is empty, or nothing has changed."""


def measure(quick: bool) -> Iterator[Figure]:
    """Measure 1,000 pipelines for one environment and for all three, and 10,000 for one; cold and warm."""
    rounds = 3 if quick else 5
    yield from _figures(1000, ("prod",), rounds, ONE)
    yield from _figures(1000, (), rounds, ALL)
    if not quick:
        yield from _figures(10_000, ("prod",), 1, ONE)


def _figures(count: int, names: tuple[str, ...], rounds: int, targets: dict[str, float]) -> Iterator[Figure]:
    folder = project(THIS, "plain", count)
    arguments = (str(folder), *names)
    settings = environment(folder) | {"DAG_FACTORY_ENV": ""}
    probes = {
        "read": Probe(THIS.python(), "read_yaml.py", (str(folder / "configs"),), settings),
        "cold": Probe(THIS.python(), "check.py", arguments, settings, partial(set_aside, folder / "cache")),
        "warm": Probe(THIS.python(), "check.py", arguments, settings),
    }
    results = run_interleaved(probes, rounds)
    which = f"{count}{'' if names else '_all'}"
    for state, target in targets.items():
        yield Figure(f"check_ratio_{which}_{state}", ratio(results, state, "read"), target)
    for name in probes:
        yield Figure(f"check_seconds_{which}_{name}", median(results[name], "seconds"))
        yield Figure(f"check_cpu_seconds_{which}_{name}", median(results[name]))
        yield Figure(f"check_rss_mb_{which}_{name}", median(results[name], "rss_mb"))
