"""Run a real DAG processor under random commits: edits, errors, fixes, deletions, partial writes, checkouts.

At the end, every DAG and the report match the files, a pipeline that nobody edited has one version, and the memory of
the processor has not grown. The project is a folder that is edited in place, or comes from a real git bundle, which
checks out each commit while files are parsed. ``make soak`` runs long (``MINUTES=15 BUNDLE=git``); the tests run a
short one of each.
"""

from __future__ import annotations

import argparse
import json
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
_UNCHANGED = "unchanged"  # a pipeline whose text never changes, although its file is touched and rewritten
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
    """The current pipelines, and the expected result of each."""

    folder: Path
    chance: random.Random
    good: dict[str, str] = field(default_factory=dict)  # the description of each one without errors
    broken: set[str] = field(default_factory=set)
    with_last_good: set[str] = field(default_factory=set)  # broken, with a last good version
    edits: int = 0

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"

    def fix(self, name: str) -> None:
        """Write a valid version, sometimes in two steps, as a slow writer does."""
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
        self.good[name] = f"Edit {self.edits}"
        self.broken.discard(name)
        self.with_last_good.discard(name)

    def break_file(self, name: str) -> None:
        """Write a broken version. A DAG that Airflow knows keeps running its last good version."""
        self.edits += 1
        self.path(name).write_text(self.chance.choice(BROKEN).format(edit=self.edits))
        if name in self.good:
            self.with_last_good.add(name)
        self.good.pop(name, None)
        self.broken.add(name)

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)
        self.good.pop(name, None)
        self.broken.discard(name)
        self.with_last_good.discard(name)

    def rewrite(self) -> None:
        """Delete and rewrite every file in turn, as a checkout does."""
        for path in list(self.folder.glob("*.yaml")):
            text = path.read_bytes()
            path.unlink()
            path.write_bytes(text)

    def touch(self) -> None:
        for path in self.folder.glob("*.yaml"):
            path.touch()

    @property
    def dags(self) -> set[str]:
        """The expected DAG ids."""
        return {f"soak.{name}" for name in {*self.good, *self.with_last_good}}


@dataclass(frozen=True)
class Processor:
    """A running DAG processor and its database."""

    process: processes.Process
    database: Path

    def query(self, text: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(text).fetchall()

    def dags(self) -> dict[str, str]:
        """Return the description of each DAG."""
        return dict(self.query("select dag_id, description from dag where not is_stale and dag_id like 'soak.%'"))

    def report(self) -> str:
        return "\n".join(row for (row,) in self.query("select stacktrace from import_error"))

    def memory(self) -> int:
        """Return the memory of the processor in bytes, without its short-lived child processes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def running(home: Path, bundle: str, count: int) -> Iterator[Processor]:
    """Run a DAG processor that parses the ``count`` pipelines in ``home`` continuously."""
    folder = home.parent / "airflow"
    settings = Instance(home, folder, "local", {}).settings(1) | {
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__PARSING_CLEANUP_INTERVAL": "2",
        "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "2",
        "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": str(4 + count // 50),  # longer than a round takes
    }
    if bundle == "git":
        settings.pop("DAG_FACTORY_HOME")  # the bundle has another folder for each version
        settings |= {
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([git_bundle(home)]),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
            "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        }
    airflow = str(Path(sys.executable).parent / "airflow")
    subprocess.run([airflow, "db", "migrate"], env=settings, check=True, capture_output=True)
    process = processes.start("dag-processor", [airflow, "dag-processor"], settings, folder / "logs")
    try:
        yield Processor(process, folder / "airflow/airflow.db")
    finally:
        processes.stop([process])


def git_bundle(repository: Path) -> dict[str, object]:
    """Return the settings of Airflow's git bundle for a local repository, refreshed each second."""
    kwargs = {"repo_url": str(repository), "tracking_ref": "main", "subdir": "dags", "refresh_interval": 1}
    return {"name": "soak", "classpath": "airflow.providers.git.bundles.git.GitDagBundle", "kwargs": kwargs}


def git(home: Path, *words: str) -> None:
    identity = ("-c", "user.name=soak", "-c", "user.email=soak@example.com")
    subprocess.run(["git", "-C", str(home), *identity, *words], check=True, capture_output=True)


def project(home: Path) -> Path:
    """Create a project. Returns the folder of its pipelines."""
    for name in ("dags", "configs/platform"):
        shutil.copytree(REPOSITORY / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    folder = home / "configs/pipelines/soak"
    folder.mkdir(parents=True)
    return folder


def soak(
    seconds: float, count: int = 30, seed: int = 1, bundle: str = "local", report: Callable[[str], None] = print
) -> None:
    """Edit ``count`` pipelines at random, then compare Airflow's DAGs with the files.

    ``bundle`` is ``local`` or ``git``. Raises ``AssertionError`` if they differ.
    """
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary) / "project"
        files = Files(project(home), chance)
        names = [f"p{number}" for number in range(count)]
        for name in (*names, _UNCHANGED):
            files.fix(name)
        if bundle == "git":
            git(home, "init", "--initial-branch", "main")
        with running(home, bundle, count) as processor:
            _commit(home, bundle)
            _wait(lambda: not _difference(files, processor), 300 + count / 5, lambda: "the first DAGs")
            memory: list[int] = []
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                _change(files, names, processor, chance)
                _commit(home, bundle)
                memory.append(processor.memory())
                time.sleep(chance.random())  # commits arrive at random times
            states = {"good": files.good, "broken": files.broken, "with a last good version": files.with_last_good}
            report(f"{files.edits} edits; now {', '.join(f'{len(names)} {state}' for state, names in states.items())}")
            _wait(lambda: not _difference(files, processor), 300 + count / 5, lambda: _difference(files, processor))
            versions = processor.query(f"select count(*) from dag_version where dag_id = 'soak.{_UNCHANGED}'")
            assert versions == [(1,)], f"a pipeline that nobody edited has {versions} versions"
            third = max(1, len(memory) // 3)
            first, last = statistics.median(memory[:third]), statistics.median(memory[-third:])
            report(f"processor: {first / 2**20:.0f} MB at the beginning, {last / 2**20:.0f} MB at the end")
            assert last < first * 1.25 + 20 * 2**20, "the memory of the processor grows"


def _change(files: Files, names: list[str], processor: Processor, chance: random.Random) -> None:
    """Make one random change."""
    kind = chance.choices(("fix", "break_file", "delete", "touch", "rewrite"), (4, 3, 1, 1, 1))[0]
    name = chance.choice(names)
    if kind == "fix":
        files.fix(name)
    elif kind == "break_file":
        # Only if Airflow knows the current version: otherwise nobody knows whether there is a last good version.
        if name in files.with_last_good or processor.dags().get(f"soak.{name}") == files.good.get(name):
            files.break_file(name)
    elif kind == "delete":
        files.delete(name)
    elif kind == "touch":
        files.touch()
    else:
        files.rewrite()


def _commit(home: Path, bundle: str) -> None:
    """Commit all changes if the bundle is git."""
    if bundle == "git":
        git(home, "add", "--all")
        git(home, "commit", "--allow-empty", "--message", "Edit")


def _difference(files: Files, processor: Processor) -> str:
    """Return how Airflow differs from the files; an empty text if they match."""
    dags, report = processor.dags(), processor.report()
    found = []
    if dags.keys() != files.dags:
        found.append(
            f"unexpected DAGs: {sorted(dags.keys() - files.dags)}, missing: {sorted(files.dags - dags.keys())}"
        )
    for name, description in sorted(files.good.items()):
        if dags.get(f"soak.{name}") != description:
            found.append(f"{name} is {dags.get(f'soak.{name}')}, not {description}")
    for name in sorted({*files.broken, *files.good}):
        # The report shows a limited number of problems; `dagf check` shows the others.
        if (f"soak/{name}.yaml:" in report) != (name in files.broken) and "more: `dagf check`" not in report:
            found.append(f"{name} is {'broken and not' if name in files.broken else 'good and'} in the report")
    return "; ".join(found)


def _wait(met: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds:.0f} s: {what()}")
        time.sleep(0.5)


def main() -> None:
    """Run the soak test from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--pipelines", type=int, default=1000)
    parser.add_argument("--bundle", choices=("local", "git"), default="local")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    soak(chosen.minutes * 60, chosen.pipelines, chosen.seed, chosen.bundle)
    print("Every DAG and the report match the files.")


if __name__ == "__main__":
    main()
