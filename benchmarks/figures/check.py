"""``check_seconds``: ``dagf check`` from start to end, in seconds of the clock, beside its memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.contestants import THIS
from benchmarks.figures.folder import environment, project
from benchmarks.measure import Figure, Probe, forget, interleaved, median


def measure(quick: bool) -> Iterator[Figure]:
    """1,000 pipelines for one environment and for all three, 10,000 for one; cold and warm."""
    yield from _size(1000, ("prod",), 3 if quick else 5, 2.0, 0.4)
    yield from _size(1000, (), 3 if quick else 5, 4.0, None)
    if not quick:
        yield from _size(10_000, ("prod",), 1, 15.0, None)


def _size(count: int, names: tuple[str, ...], rounds: int, cold: float, warm: float | None) -> Iterator[Figure]:
    folder = project(THIS, "plain", count)
    arguments = (str(folder), *names)
    settings = environment(folder) | {"DAG_FACTORY_ENV": ""}
    probes = {
        "cold": Probe(THIS.python(), "check.py", arguments, settings, partial(forget, folder / "cache")),
        "warm": Probe(THIS.python(), "check.py", arguments, settings),
    }
    told = interleaved(probes, rounds)
    which = f"{count}{'' if names else '_all'}"
    for name, most in (("cold", cold), ("warm", warm)):
        yield Figure(f"check_seconds_{which}_{name}", median(told[name], "seconds"), most)
        yield Figure(f"check_cpu_seconds_{which}_{name}", median(told[name]))
        yield Figure(f"check_rss_mb_{which}_{name}", median(told[name], "rss_mb"))
