"""``folder_ratio``: a whole folder parsed by Airflow's DagBag, against Python written by hand for the same pods.

Warm is a contestant's second parse: this project has its cache, Python its bytecode. Cold is a parse with neither.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import work
from benchmarks.contestants import HAND, OTHERS, THIS, WORK, Contestant
from benchmarks.measure import Figure, Probe, median, ratio, run_interleaved, set_aside
from benchmarks.writers import by_hand, layered

TARGETS = {
    ("plain", "warm"): 0.9,
    ("plain", "cold"): 1.3,
    ("real", "warm"): 0.35,
    ("real", "cold"): 0.6,
    ("layered", "warm"): 0.35,
    ("layered", "cold"): 0.6,
}
_OTHERS_ROUNDS = 2  # enough: the other tools are so much slower that noise does not matter


def measure(quick: bool) -> Iterator[Figure]:
    """Measure plain pods, real pods, and real pods made with templates, a matrix and an overlay."""
    for count in (100,) if quick else (100, 1000):
        for kind in ("plain", "real"):
            who = (HAND, THIS, *OTHERS) if count == 100 else (HAND, THIS)
            yield from _kind(kind, count, who, rounds=3 if quick or count > 100 else 9)
        yield from _kind("layered", count, (LAYERED_HAND, LAYERED), rounds=3 if quick or count > 100 else 9)


def _kind(kind: str, count: int, who: tuple[Contestant, ...], rounds: int) -> Iterator[Figure]:
    if kind != "layered":
        check_same_pods(kind, who)
    hand, this = who[0].name, who[1].name
    folders = {one.name: project(one, kind, count) for one in who}
    probes = {}
    for one in who:
        folder = folders[one.name]
        for state in ("cold", "warm") if one in who[:2] else ("warm",):
            before = partial(_clear_caches, folder) if state == "cold" else lambda: None
            probes[f"{one.name} {state}"] = _probe(one, folder, before)
    first = {name: probe for name, probe in probes.items() if name.split()[0] in (hand, this)}
    results = run_interleaved(first, rounds)
    others = {name: probe for name, probe in probes.items() if name not in results}
    for probe in others.values():
        probe.run()  # fill its caches
    results |= run_interleaved(others, _OTHERS_ROUNDS)
    for name, result in ((name, result) for name, each in results.items() for result in each):
        if (result["dags"], result["tasks"]) != (count, count * work.JOBS):
            wrong = f"{result['dags']} DAGs, {result['tasks']} tasks"
            raise RuntimeError(f"{kind}, {name}: {wrong} instead of {count}, {count * work.JOBS}: {result['errors']}")
    for state in ("warm", "cold"):
        name = f"folder_ratio_{kind}{'_cold' if state == 'cold' else ''}_{count}"
        yield Figure(name, ratio(results, f"{this} {state}", f"{hand} {state}"), TARGETS.get((kind, state)))
    for one in who:
        yield Figure(f"folder_seconds_{kind}_{count}.{one.name}", median(results[f"{one.name} warm"]), note=one.title)
        yield Figure(f"rss_mb_{kind}_{count}.{one.name}", median(results[f"{one.name} warm"], "rss_mb"))


def check_same_pods(kind: str, who: tuple[Contestant, ...]) -> None:
    """Raise ``RuntimeError`` unless all contestants make the same pods of the same pipelines."""
    pods = {one.title: _probe(one, project(one, kind, 20), options=("--pods",)).run()["pods"] for one in who}
    for title, digests in pods.items():
        if digests != pods[who[0].title] or len(digests) != 20 * work.JOBS:
            raise RuntimeError(f"{title} and {who[0].title} make different pods")


def project(one: Contestant, kind: str, count: int) -> Path:
    """Write the contestant's project anew and return its folder."""
    folder = WORK / "projects" / f"{one.name}-{kind}-{count}"
    shutil.rmtree(folder, ignore_errors=True)
    one.write(work.pipelines(count, "plain" if kind == "plain" else "real"), folder)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Return the environment variables of this project's loader: its environment and its cache."""
    return {"DAG_FACTORY_ENV": "prod", "DAG_FACTORY_CACHE": str(folder / "cache")}


def _probe(one: Contestant, folder: Path, before: object = lambda: None, options: tuple[str, ...] = ()) -> Probe:
    return Probe(one.python(), "folder.py", (str(folder / "dags"), *options), environment(folder), before)  # type: ignore[arg-type]


def _clear_caches(folder: Path) -> None:
    set_aside(folder / "cache")
    for parent, names, _ in os.walk(folder / "dags"):
        if "__pycache__" in names:
            shutil.rmtree(Path(parent, "__pycache__"))


LAYERED_HAND = Contestant("by_hand", "Python by hand", by_hand.write)
LAYERED = Contestant("layered", "templates, a matrix, an overlay", layered.write)
