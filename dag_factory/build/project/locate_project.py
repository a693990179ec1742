"""Which project a loader stands for, and what that is called wherever a checkout of it lies."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from airflow.dag_processing.bundles.base import get_bundle_storage_root_path

from dag_factory import settings
from dag_factory.config.project.open_project import open_project
from dag_factory.config.project.project import Project


def find_project(loader_folder: Path) -> Project:
    """The project of ``DAG_FACTORY_HOME``, or the one that the loader's folder lies in.

    It is read at the end of all links: a tool that exchanges the link to a whole checkout does so between two
    passes, not within one. Raises ``ProjectError`` where there is none.
    """
    home = settings.home() or loader_folder.absolute().parent
    if (home / "configs").is_dir() or settings.home():
        return open_project(home.resolve(), settings.environment(), project_name(home))
    # The loader's folder itself is a link into a checkout.
    return open_project(loader_folder.resolve().parent, settings.environment(), project_name(loader_folder.absolute()))


@lru_cache(1)
def _bundles() -> Path:
    root: Path = get_bundle_storage_root_path()  # type: ignore[no-untyped-call]  # Airflow's own
    return root


def project_name(path: Path) -> str:
    """``path`` as it is written; within a bundle of Airflow's that has versions, its place in the bundle.

    Such a bundle lies in one folder for the DAG processor, and in one for each version for the tasks of runs that
    began with that version. What is kept must be found from all of them.
    """
    try:
        bundle, kind, *rest = path.relative_to(_bundles()).parts
    except ValueError:  # it lies elsewhere, or is no bundle's
        return str(path)
    below = {"tracking_repo": rest, "versions": rest[1:]}.get(kind)
    return str(path) if below is None else "/".join(["bundle:", bundle, *below])
