"""Run probes, each in its own process, and compute medians and ratios of their results.

The probes of one comparison take turns, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.contestants import WORK

PROBES = Path(__file__).parent / "probes"


class Figure(NamedTuple):
    """One measured number.

    Only a ratio of two measurements of the same run may have a ``target``, its upper limit: a ratio is about the same
    on a fast and on a slow machine. Seconds and memory depend on the machine and have no target.
    """

    name: str
    value: float
    target: float | None = None
    note: str = ""

    @property
    def misses_target(self) -> bool:
        return self.target is not None and self.value > self.target


@dataclass(frozen=True)
class Probe:
    """A program in ``probes/`` with its arguments and environment, and a step to do before each run."""

    python: Path
    program: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    before: Callable[[], None] = lambda: None

    def run(self) -> dict[str, Any]:
        """Return the result of one run. Raise ``RuntimeError`` with the end of its error output if it fails."""
        self.before()
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "result.json"
            command = [str(self.python), str(PROBES / self.program), str(out), *self.arguments]
            done = subprocess.run(command, env=process_environment(self.environment), capture_output=True, check=False)
            if done.returncode or not out.exists():
                raise RuntimeError(f"{self.program} failed: {done.stderr.decode(errors='replace')[-1500:]}")
            result: dict[str, Any] = json.loads(out.read_text())
            return result


def process_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of a measured process.

    Python's own variables are left out. ``PYTHONDONTWRITEBYTECODE``, for example, would make Python compile every
    contestant's files in each run.
    """
    foreign = ("AIRFLOW", "DAG_FACTORY", "PYTHON")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    home = WORK / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "3600",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONHASHSEED": "0",
    }
    return inherited | own | dict(extra)


def set_aside(cache: Path) -> None:
    """Move a cache out of the way instead of deleting it.

    A deletion would slow down the next run: ext4 does not reuse the inodes of files that were deleted within the last
    seconds.
    """
    if cache.exists():
        aside = WORK / "set-aside"
        aside.mkdir(parents=True, exist_ok=True)
        cache.rename(tempfile.mkdtemp(dir=aside))


def run_interleaved(probes: Mapping[str, Probe], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Run every probe once in each round. Return each probe's results, in the order of the rounds."""
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in probes}
    for _ in range(rounds):
        for name, probe in probes.items():
            results[name].append(probe.run())
    return results


def median(results: Sequence[Mapping[str, Any]], key: str = "cpu") -> float:
    """Return the median of one number over the rounds."""
    return statistics.median(result[key] for result in results)


def ratio(results: Mapping[str, Sequence[Mapping[str, Any]]], name: str, other: str, key: str = "cpu") -> float:
    """Return the median, over the rounds, of one probe's number divided by another's in the same round."""
    pairs = zip(results[name], results[other], strict=True)
    return statistics.median(one[key] / two[key] for one, two in pairs)
