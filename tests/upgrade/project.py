"""A checkout of the sample project with a cache, as Airflow's git bundle lays it out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUNDLE = "upgrade"
"""The cache of a bundle is found by the bundle's name, wherever its files are."""
ENVIRONMENT = "prod"
BROKEN_BEFORE, BROKEN_DAG = "configs/pipelines/plain/every.yaml", "plain.every"
"""A pipeline that was broken already when the old release ran last, and its DAG."""
PROGRAM = Path(__file__).parent / "dag_facts.py"


@dataclass(frozen=True)
class Checkout:
    """A project in its own folder; ``folder`` holds Airflow's home, the bundle and the cache."""

    folder: Path

    @property
    def home(self) -> Path:
        """The folder that holds ``configs/`` and ``dags/``."""
        return self.folder / "bundles" / BUNDLE / "tracking_repo"

    @property
    def cache(self) -> Path:
        """The folder that ``DAG_FACTORY_CACHE`` names."""
        return self.folder / "cache"

    def load(self, cache: bool = True, task: tuple[str, str] | None = None) -> dict[str, Any]:
        """Run the project's loader in a separate process, and return what ``dag_facts.py`` prints.

        With a ``task``, the ids of a DAG and of a task, the loader runs as in the worker of that task.
        """
        prefix = "_AIRFLOW_PARSING_CONTEXT"
        of_worker = {f"{prefix}_DAG_ID": task[0], f"{prefix}_TASK_ID": task[1]} if task else {}
        done = subprocess.run(
            [sys.executable, str(PROGRAM), str(self.home)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            cwd=self.folder,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("DAG_FACTORY_")},
                "AIRFLOW_HOME": str(self.folder / "airflow"),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.folder / "bundles"),
                "DAG_FACTORY_ENV": ENVIRONMENT,
                "DAG_FACTORY_CACHE": str(self.cache) if cache else "off",
                **of_worker,
            },
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]

    def break_file(self, file: str, syntax: bool = False) -> None:
        """Add a key that no pipeline has to a file, or text that is no YAML at all."""
        path = self.home / file
        path.write_text(path.read_text() + ("\n}: [\n" if syntax else "\nno_such_key: 1\n"))

    def break_all(self) -> None:
        """Break every pipeline that is not broken yet, in both ways."""
        files = sorted(self.home.glob("configs/pipelines/**/*.yaml"))
        for index, path in enumerate(files):
            file = path.relative_to(self.home).as_posix()
            if file != BROKEN_BEFORE:
                self.break_file(file, syntax=index % 2 == 0)


def check_out(folder: Path, configs: Path, dags: Path, cache: Path | None = None) -> Checkout:
    """Copy a project's ``configs`` and loaders, and a ``cache`` if there is one, into a folder."""
    checkout = Checkout(folder)
    shutil.copytree(configs, checkout.home / "configs")
    shutil.copytree(dags, checkout.home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    if cache:
        shutil.copytree(cache, checkout.cache)
        for path in (checkout.cache, *checkout.cache.rglob("*")):  # a cache that others may write to is ignored
            path.chmod(0o700 if path.is_dir() else 0o600)
    return checkout


def with_tag(dag: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a DAG as they are while it runs its last good version."""
    return {**dag, "dag": {**dag["dag"], "tags": sorted([*dag["dag"]["tags"], "last good version"])}}
