"""A real DAG processor under random commits: edits, breaks, mends, deletions, files half written.

At the end every DAG and the report match the files, and the processor's memory has not grown. Run longer
with ``make soak`` (``MINUTES=15``); the tests run a short one.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from dag_factory.local import processes
from dag_factory.local.instance import Instance

REPOSITORY = Path(__file__).resolve().parents[2]
GOOD = """\
version: 1
description: Edit {edit}
defaults: {{docker_image: "examples/hello:latest", resource_flavor: cpu-small}}
jobs:
  first: {{args: ["{edit}"]}}
  second: {{depends_on: [first]}}
"""
_STILL = "still"  # a pipeline whose text never changes, though the file is touched and written anew
BROKEN = (
    "version: [",
    "",
    GOOD.replace("cpu-small", "cpu-smal"),
    GOOD.replace("depends_on", "dependson"),
    GOOD.replace("version: 1", "version: 99"),
    "a: &a [*a]",
)


@dataclass
class Files:
    """The pipelines as they stand: what should come of each."""

    folder: Path
    chance: random.Random
    good: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)  # broken, and had a DAG before
    edits: int = 0

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"

    def mend(self, name: str) -> None:
        """Write a good version, sometimes half first, as a slow writer does."""
        self.edits += 1
        text = GOOD.format(edit=self.edits)
        if self.chance.random() < 0.2:
            with self.path(name).open("w") as stream:
                stream.write(text[: len(text) // 2])
                stream.flush()
                os.fsync(stream.fileno())
                stream.write(text[len(text) // 2 :])
        else:
            partial = self.folder / f".{name}.partial"
            partial.write_text(text)
            partial.replace(self.path(name))
        self.good.add(name)
        self.broken.discard(name)
        self.held.discard(name)

    def spoil(self, name: str, had_dag: bool) -> None:
        self.edits += 1
        self.path(name).write_text(self.chance.choice(BROKEN).format(edit=self.edits))
        if had_dag:
            self.held.add(name)
        self.good.discard(name)
        self.broken.add(name)

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)
        for names in (self.good, self.broken, self.held):
            names.discard(name)

    @property
    def dags(self) -> set[str]:
        """The ids that should have a DAG."""
        return {f"soak.{name}" for name in self.good | self.held}


@dataclass(frozen=True)
class Processor:
    """A running DAG processor and the database it writes to."""

    process: processes.Process
    database: Path

    def query(self, text: str) -> list[str]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return [row[0] for row in connection.execute(text)]

    def dags(self) -> set[str]:
        return set(self.query("select dag_id from dag where not is_stale and dag_id like 'soak.%'"))

    def report(self) -> str:
        return "\n".join(self.query("select stacktrace from import_error"))

    def memory(self) -> int:
        """Bytes of the processor itself; its children live for one parse each."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def running(home: Path) -> Iterator[Processor]:
    """A DAG processor on the project in ``home``, parsing all the time."""
    instance = Instance(home, home / ".dagf", "local", {})
    settings = instance.settings(1) | {
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__PARSING_CLEANUP_INTERVAL": "2",
        "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "4",
    }
    airflow = str(Path(sys.executable).parent / "airflow")
    subprocess.run([airflow, "db", "migrate"], env=settings, check=True, capture_output=True)
    process = processes.start("dag-processor", [airflow, "dag-processor"], settings, home / ".dagf" / "logs")
    try:
        yield Processor(process, home / ".dagf/airflow/airflow.db")
    finally:
        processes.stop([process])


def project(home: Path) -> Path:
    """A project of its own; returns the folder of its pipelines."""
    for name in ("dags", "configs/platform"):
        shutil.copytree(REPOSITORY / name, home / name)
    folder = home / "configs/pipelines/soak"
    folder.mkdir(parents=True)
    return folder


def soak(seconds: float, count: int = 30, seed: int = 1, tell: Callable[[str], None] = print) -> None:
    """Edit ``count`` pipelines at random for a while; then hold what Airflow has against the files.

    Raises ``AssertionError`` where they differ.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        files = Files(project(home), chance)
        names = [f"p{number}" for number in range(count)]
        for name in (*names, _STILL):
            files.mend(name)
        with running(home) as processor:
            _wait(lambda: processor.dags() == files.dags, 90, lambda: "the first DAGs")
            memory: list[int] = []
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                _commit(files, names, processor, chance)
                memory.append(processor.memory())
                time.sleep(chance.random())  # commits come as they come
            tell(f"{files.edits} edits; now {len(files.good)} good, {len(files.broken)} broken")
            _wait(lambda: not _difference(files, processor), 90, lambda: _difference(files, processor))
            versions = processor.query(f"select count(*) from dag_version where dag_id = 'soak.{_STILL}'")
            assert versions == [1], f"a pipeline that nobody edited has {versions} versions"
            third = max(1, len(memory) // 3)
            first, last = statistics.median(memory[:third]), statistics.median(memory[-third:])
            tell(f"processor: {first / 2**20:.0f} MB at first, {last / 2**20:.0f} MB at last")
            assert last < first * 1.25 + 20 * 2**20, "the processor's memory grows"


def _commit(files: Files, names: list[str], processor: Processor, chance: random.Random) -> None:
    kind = chance.choices(("mend", "spoil", "delete", "touch", "checkout"), (4, 3, 1, 1, 1))[0]
    name = chance.choice(names)
    if kind == "mend":
        files.mend(name)
    elif kind == "spoil":
        # Only where Airflow has seen the file as it is: else nobody can say whether it has a last good version.
        seen = f"soak.{name}" in processor.dags()
        if seen == (name in files.good | files.held):
            files.spoil(name, had_dag=seen)
    elif kind == "delete":
        files.delete(name)
    elif kind == "touch":
        for path in files.folder.glob("*.yaml"):
            path.touch()
    else:  # as git does it: files go and come within one operation
        for path in list(files.folder.glob("*.yaml")):
            text = path.read_bytes()
            path.unlink()
            path.write_bytes(text)


def _difference(files: Files, processor: Processor) -> str:
    """What Airflow has that the files do not say, or the other way round; nothing where they agree."""
    dags, report = processor.dags(), processor.report()
    found = []
    if dags != files.dags:
        found.append(f"DAGs too many: {sorted(dags - files.dags)}, missing: {sorted(files.dags - dags)}")
    for name in sorted(files.broken | files.good):
        if (f"soak/{name}.yaml:" in report) != (name in files.broken):
            found.append(f"{name} is {'broken and not' if name in files.broken else 'good and'} in the report")
    return "; ".join(found)


def _wait(met: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds:.0f} s: {what()}")
        time.sleep(0.5)


def main() -> None:
    """The soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--pipelines", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}")
    soak(chosen.minutes * 60, chosen.pipelines, chosen.seed)
    print("Every DAG and the report match the files.")


if __name__ == "__main__":
    main()
