"""Probes run in processes of their own, one after the other in turns, so that a noisy hour is everybody's."""

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
    """One measured number; ``most`` is what it may be at most, where the project has set itself a target."""

    name: str
    value: float
    most: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Probe:
    """A program of ``probes/``, what it is told, and what is done before each run."""

    python: Path
    program: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    before: Callable[[], None] = lambda: None

    def run(self) -> dict[str, Any]:
        """What it told. Raises ``RuntimeError`` with the end of its errors where it failed."""
        self.before()
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "told.json"
            command = [str(self.python), str(PROBES / self.program), str(out), *self.arguments]
            done = subprocess.run(command, env=settings(self.environment), capture_output=True, check=False)
            if done.returncode or not out.exists():
                raise RuntimeError(f"{self.program} failed: {done.stderr.decode(errors='replace')[-1500:]}")
            told: dict[str, Any] = json.loads(out.read_text())
            return told


def settings(more: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a measured process.

    None of Python's own: one of them keeps it from writing bytecode, and everybody's files would be compiled each time.
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
    return inherited | own | dict(more)


def forget(kept: Path) -> None:
    """Move what was kept out of the way. Deleted now, it would make the next files slow: ext4 spares the numbers of
    files that were deleted within the last seconds."""
    if kept.exists():
        aside = WORK / "forgotten"
        aside.mkdir(parents=True, exist_ok=True)
        kept.rename(tempfile.mkdtemp(dir=aside))


def interleaved(probes: Mapping[str, Probe], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """What each probe told in each round; in each round every probe runs once."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in probes}
    for _ in range(rounds):
        for name, probe in probes.items():
            found[name].append(probe.run())
    return found


def median(told: Sequence[Mapping[str, Any]], key: str = "cpu") -> float:
    """The median of one number over the rounds."""
    return statistics.median(one[key] for one in told)


def ratio(told: Mapping[str, Sequence[Mapping[str, Any]]], name: str, other: str, key: str = "cpu") -> float:
    """The median over the rounds of one probe's number by another's: what a round's noise does to both cancels."""
    pairs = zip(told[name], told[other], strict=True)
    return statistics.median(one[key] / two[key] for one, two in pairs)
