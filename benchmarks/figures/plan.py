"""``plan_ratio``: ``dagf plan`` against a cold ``dagf check`` of the same project, both without a cache.

Both are processor time from the start of the process to its end. One plan is for an edit of one pipeline, the other for
an edit of a flavor that every pipeline uses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks import work
from benchmarks.contestants import THIS, WORK
from benchmarks.figures.folder import environment
from benchmarks.measure import Figure, Probe, median, ratio, run_interleaved

TARGETS = {"one": 0.4, "all": 2.5}
"""The targets for an edit of one pipeline and for an edit that touches all."""
COUNT = 1_000
_EDITS = {
    "one": ("configs/pipelines/team0/pipeline-00000.yaml", '"step-0"]', '"step-0", "--more"]'),
    "all": ("configs/platform/flavors.yaml", "memory: 1Gi", "memory: 2Gi"),
}


def measure(quick: bool) -> Iterator[Figure]:
    """Measure 1,000 pipelines in three environments."""
    folder = _repository()
    settings = environment(folder) | {"DAG_FACTORY_ENV": "", "DAG_FACTORY_CACHE": "off"}
    probes = {"check": Probe(THIS.python(), "plan.py", (str(folder), "check"), settings)}
    for name, edit in _EDITS.items():
        probes[name] = Probe(THIS.python(), "plan.py", (str(folder), "plan", *edit), settings)
    results = run_interleaved(probes, 2 if quick else 5)
    for name, target in TARGETS.items():
        yield Figure(f"plan_ratio_{name}", ratio(results, name, "check"), target)
    for name in probes:
        yield Figure(f"plan_seconds_{name}", median(results[name], "seconds"))
        yield Figure(f"plan_cpu_seconds_{name}", median(results[name]))
        yield Figure(f"plan_rss_mb_{name}", median(results[name], "rss_mb"))


def _repository() -> Path:
    """A git repository with the project and one commit."""
    folder = WORK / "projects" / f"plan-{COUNT}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    THIS.write(work.pipelines(COUNT, "plain"), folder)
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")
    for command in (("init", "--quiet", "--initial-branch=main"), ("add", "--all"), ("commit", "--quiet", "-m", "All")):
        subprocess.run(["git", "-C", str(folder), *identity, *command], env=os.environ | settings, check=True)
    return folder
