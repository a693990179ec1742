"""``task_ratio``: the parse when a task starts, against one hand-written file.

The cache is off, except for ``cached``: there the DAG processor of the same machine has filled the cache.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from itertools import islice

from benchmarks import work
from benchmarks.contestants import HAND, THIS
from benchmarks.figures.folder import environment, project
from benchmarks.measure import Figure, Probe, run_interleaved

_TASKS = 9  # measured in each round, after one that is not measured


def _tasks(pipelines: Iterable[work.Pipeline]) -> list[tuple[work.Pipeline, str]]:
    """Choose a task of each of the first pipelines: the first job of the first, the second of the second, and so on."""
    return [(one, one.jobs[index].name) for index, one in enumerate(islice(pipelines, _TASKS + 1))]


def measure(quick: bool) -> Iterator[Figure]:
    """Measure with 10, 1,000 and 10,000 pipelines in the folder, and how little the number matters."""
    for kind in ("real", "plain"):
        counts = (10, 1000) if quick or kind == "plain" else (10, 1000, 10_000)
        yield from _kind(kind, counts, 3 if quick else 7)


def _kind(kind: str, counts: tuple[int, ...], rounds: int) -> Iterator[Figure]:
    hand = project(HAND, kind, 10) / "dags"
    by_hand = [f"{one.team}_{one.name}.py,{one.id},{task}" for one, task in _tasks(work.pipelines(10, kind))]
    probes = {"by hand": Probe(HAND.python(), "task.py", (str(hand), *by_hand), {"DAG_FACTORY_CACHE": "off"})}
    for count in counts:
        folder = project(THIS, kind, count)
        chosen = _tasks(islice(work.pipelines(count, kind), 0, None, count // (_TASKS + 1)))
        off = {"DAG_FACTORY_ENV": "prod", "DAG_FACTORY_CACHE": "off"}
        arguments = (str(folder / "dags"), *(f"loader.py,{one.id},{task}" for one, task in chosen))
        probes[str(count)] = Probe(THIS.python(), "task.py", arguments, off)
        if count == counts[0]:
            probes["cached"] = Probe(THIS.python(), "task.py", arguments, environment(folder))
            Probe(THIS.python(), "folder.py", (str(folder / "dags"),), environment(folder)).run()
    results = run_interleaved(probes, rounds)
    seconds = {name: [statistics.median(result["cpu"]) for result in each] for name, each in results.items()}

    def ratio(one: str, two: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[one], seconds[two], strict=True))

    for name in (*map(str, counts), "cached"):
        yield Figure(f"task_ratio_{kind}_{name}", ratio(name, "by hand"), 1.3)
    largest, smallest = str(counts[-1]), str(counts[0])
    yield Figure(f"task_flat_{kind}_{largest}", ratio(largest, smallest), 1.1)
    for name, each in results.items():
        yield Figure(f"task_ms_{kind}_{name.replace(' ', '_')}", 1000 * statistics.median(seconds[name]))
        yield Figure(f"task_rss_mb_{kind}_{name.replace(' ', '_')}", max(result["rss_mb"] for result in each))
