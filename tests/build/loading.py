"""A project whose loader and report are read by Airflow's DagBag, for tests of what runs and what is reported."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parents[2] / "dags"
CONTEXT = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"


def pipeline(jobs: int = 1, description: str = "first") -> str:
    lines = "".join(f"  j{number}: {{}}\n" for number in range(jobs))
    defaults = "defaults: {docker_image: 'a:1', resource_flavor: small}\n"
    return f"version: 1\ndescription: {description}\nschedule: '@daily'\n{defaults}jobs:\n{lines}"


def project(home: Path) -> Path:
    """A project with two pipelines of one job each."""
    shutil.copytree(DAGS, home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    write(home, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n")
    write(home, "platform/environments/local.yaml", "version: 1\n")
    for name in ("churn", "uplift"):
        write(home, f"pipelines/growth/{name}.yaml", pipeline())
    return home


def write(home: Path, file: str, text: str) -> None:
    path = home / "configs" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def bag(home: Path, file: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=home / "dags" / file, bundle_path=home, bundle_name="b")


def loaded(home: Path, file: str = "loader.py") -> dict[str, Any]:
    """The DAGs of a loader in a pass of the DAG processor."""
    found = bag(home, file)
    assert not found.import_errors
    return dict(found.dags)


def row(home: Path) -> str:
    """The row in Import Errors; empty if there is none."""
    found = bag(home, "import_errors.py")
    assert not found.dags
    return next(iter(found.import_errors.values()), "")


@contextmanager
def full_disk() -> Iterator[None]:
    """Make every write of a file fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
