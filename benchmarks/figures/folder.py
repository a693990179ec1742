"""``folder_ratio_*``: a whole folder through Airflow's DagBag, against Python written by hand for the same pods.

Warm is each contestant's second parse: this project finds its outcomes kept, Python its bytecode. Cold, neither has
anything from before.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import work
from benchmarks.contestants import HAND, OTHERS, THIS, WORK, Contestant
from benchmarks.measure import Figure, Probe, forget, interleaved, median, ratio
from benchmarks.writers import by_hand, layered

MOST = {
    ("plain", "warm"): 0.9,
    ("plain", "cold"): 1.3,
    ("real", "warm"): 0.35,
    ("real", "cold"): 0.6,
    ("layered", "warm"): 0.35,
    ("layered", "cold"): 0.6,
}
_OTHERS_ROUNDS = 2  # of the neighbours, whose distance no noise could cover


def measure(quick: bool) -> Iterator[Figure]:
    """For plain and for real pods, and for what stands in templates, matrices and overlays."""
    for count in (100,) if quick else (100, 1000):
        for kind in ("plain", "real"):
            who = (HAND, THIS, *OTHERS) if count == 100 else (HAND, THIS)
            yield from _kind(kind, count, who, rounds=3 if quick or count > 100 else 9)
        yield from _kind("layered", count, (LAYERED_HAND, LAYERED), rounds=3 if quick or count > 100 else 9)


def _kind(kind: str, count: int, who: tuple[Contestant, ...], rounds: int) -> Iterator[Figure]:
    if kind != "layered":
        agree(kind, who)
    hand, this = who[0].name, who[1].name
    folders = {one.name: project(one, kind, count) for one in who}
    probes = {}
    for one in who:
        folder = folders[one.name]
        for state in ("cold", "warm") if one in who[:2] else ("warm",):
            before = partial(_forget, folder) if state == "cold" else lambda: None
            probes[f"{one.name} {state}"] = _probe(one, folder, before)
    told = interleaved({name: probe for name, probe in probes.items() if name.split()[0] in (hand, this)}, rounds)
    others = {name: probe for name, probe in probes.items() if name not in told}
    for probe in others.values():
        probe.run()  # so that it is warm
    told |= interleaved(others, _OTHERS_ROUNDS)
    for found in (one for each in told.values() for one in each):
        if (found["dags"], found["tasks"]) != (count, count * work.JOBS):
            raise RuntimeError(f"{found['dags']} DAGs, {found['tasks']} tasks in place of {count}: {found['errors']}")
    for state in ("warm", "cold"):
        name = f"folder_ratio_{kind}{'_cold' if state == 'cold' else ''}_{count}"
        yield Figure(name, ratio(told, f"{this} {state}", f"{hand} {state}"), MOST.get((kind, state)))
    for one in who:
        yield Figure(f"folder_seconds_{kind}_{count}.{one.name}", median(told[f"{one.name} warm"]), note=one.title)
        yield Figure(f"rss_mb_{kind}_{count}.{one.name}", median(told[f"{one.name} warm"], "rss_mb"))


def agree(kind: str, who: tuple[Contestant, ...]) -> None:
    """Raises ``RuntimeError`` unless all contestants make the same pods of the same work."""
    pods = {one.title: _probe(one, project(one, kind, 20), more=("--pods",)).run()["pods"] for one in who}
    for title, found in pods.items():
        if found != pods[who[0].title] or len(found) != 20 * work.JOBS:
            raise RuntimeError(f"{title} does not make the pods of {who[0].title}")


def project(one: Contestant, kind: str, count: int) -> Path:
    """The contestant's project, written anew."""
    folder = WORK / "projects" / f"{one.name}-{kind}-{count}"
    shutil.rmtree(folder, ignore_errors=True)
    one.write(work.pipelines(count, "plain" if kind == "plain" else "real"), folder)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What tells this project's loader its environment and where it keeps outcomes."""
    return {"DAG_FACTORY_ENV": "prod", "DAG_FACTORY_CACHE": str(folder / "cache")}


def _probe(one: Contestant, folder: Path, before: object = lambda: None, more: tuple[str, ...] = ()) -> Probe:
    return Probe(one.python(), "folder.py", (str(folder / "dags"), *more), environment(folder), before)  # type: ignore[arg-type]


def _forget(folder: Path) -> None:
    forget(folder / "cache")
    for parent, names, _ in os.walk(folder / "dags"):
        if "__pycache__" in names:
            shutil.rmtree(Path(parent, "__pycache__"))


LAYERED_HAND = Contestant("by_hand", "Python by hand", by_hand.write)
LAYERED = Contestant("layered", "templates, a matrix, an overlay", layered.write)
