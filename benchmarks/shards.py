"""Build ten thousand pipelines with four loaders and two DAG processors, and check that every DAG is there once.

``python benchmarks/shards.py --pipelines 10000`` prints the time and exits with 1 if a DAG is missing. SQLite takes
one writer at a time, so the time is a worst case. A second parse of each file must not add a version of a DAG or
make one stale.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from dag_factory.local import processes
from dag_factory.local.instance import Instance

REPOSITORY = Path(__file__).resolve().parents[1]
LOADERS = {"north": (0, 1), "south": (2, 3)}  # one bundle with two loaders per DAG processor
COUNT = 4
PIPELINE = """\
version: 1
defaults: {docker_image: "examples/hello:latest", resource_flavor: cpu-small, env: {STAGE: "${{ environment }}"}}
jobs: {extract: {}, load: {depends_on: [extract]}, check: {depends_on: [load]}}
"""


def project(home: Path, pipelines: int) -> None:
    """Write the project, with its bundles in ``bundles/``."""
    shutil.copytree(REPOSITORY / "configs/platform", home / "configs/platform")
    for number in range(pipelines):
        path = home / f"configs/pipelines/team{number % 50}/p{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PIPELINE)
    loader = (REPOSITORY / "dags/loader.py").read_text()
    for bundle, indexes in LOADERS.items():
        folder = home / "bundles" / bundle
        folder.mkdir(parents=True)
        for index in indexes:
            text = loader.replace("import load\n", "import Shard, load\n")
            text = text.replace(".parent)", f".parent, Shard({index}, {COUNT}))")
            (folder / f"loader_{index}.py").write_text(text)
    shutil.copy(REPOSITORY / "dags/import_errors.py", folder)  # one report for all loaders, in the last bundle


def settings(home: Path) -> dict[str, str]:
    """Return Airflow's environment variables: one bundle per processor, and Airflow's default time limits per file."""
    bundles = [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(home / "bundles" / name)},
        }
        for name in LOADERS
    ]
    return Instance(home, home / ".dagf", "local", {}).settings(1) | {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "50",  # Airflow's default, as are all other limits
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
    }


def main() -> int:
    """Measure. Return 0 if every DAG is there once, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=20)
    chosen = parser.parse_args()
    airflow = str(Path(sys.executable).parent / "airflow")
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        project(home, chosen.pipelines)
        environment = settings(home)
        subprocess.run([airflow, "db", "migrate"], env=environment, check=True, capture_output=True)
        began = time.monotonic()
        started = [
            processes.start(name, [airflow, "dag-processor", "--bundle-name", name], environment, home / "logs")
            for name in LOADERS
        ]
        try:
            return watch(home / ".dagf/airflow/airflow.db", chosen.pipelines, began, chosen.minutes * 60)
        finally:
            processes.stop(started)


def watch(database: Path, pipelines: int, began: float, seconds: float) -> int:
    """Wait for every DAG and for one more parse of each file. Then print how the DAGs are spread over the files."""
    last = first = ""  # when the first round ended
    while time.monotonic() - began < seconds:
        (found, stale, oldest, newest), (errors,) = _one(database, _COUNTS), _one(database, _ERRORS)
        if found == pipelines and not last:
            last, first = newest, f"shards_seconds {time.monotonic() - began:.0f}"
        if errors or (last and oldest > last):
            break
        time.sleep(2)
    for bundle, file, count, longest in _all(database, _FILES):
        print(f"{bundle:8}{file:16}{count:8} DAGs{longest:10.1f} s to parse")
    (versions,) = _one(database, _VERSIONS)
    print(f"shards_dags {found}\nshards_missing {pipelines - found}\nshards_stale {stale or 0}")
    print(f"shards_versions {versions}\nshards_errors {errors}\n{first}")
    again = bool(last) and oldest > last
    return int(not again or bool(errors or stale) or (found, versions) != (pipelines, pipelines))


_COUNTS = "select count(*), sum(is_stale), min(last_parsed_time), max(last_parsed_time) from dag"
_FILES = "select bundle_name, relative_fileloc, count(*), max(last_parse_duration) from dag group by 1, 2"
_ERRORS = "select count(*) from import_error"
_VERSIONS = "select count(*) from dag_version"


def _all(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        return connection.execute(query).fetchall()


def _one(database: Path, query: str) -> tuple[Any, ...]:
    (row,) = _all(database, query)
    return row


if __name__ == "__main__":
    sys.exit(main())
