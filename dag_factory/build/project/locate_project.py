"""Find the project of a loader, and give it a name that is the same in every checkout."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from airflow.dag_processing.bundles.base import get_bundle_storage_root_path

from dag_factory import settings
from dag_factory.config.project.open_project import open_project
from dag_factory.config.project.project import Project


def find_project(loader_folder: Path) -> Project:
    """Open the project in ``DAG_FACTORY_HOME``, or else the project that contains the loader's folder.

    Links are resolved first. Some tools replace the link to a whole checkout: then a pass still reads one checkout
    from start to end. Raises ``ProjectError`` if there is no project.
    """
    home = settings.home() or loader_folder.absolute().parent
    if (home / "configs").is_dir() or settings.home():
        return open_project(home.resolve(), settings.environment(), project_name(home))
    # The loader's folder itself is a link into a checkout.
    return open_project(loader_folder.resolve().parent, settings.environment(), project_name(loader_folder.absolute()))


@lru_cache(1)
def _bundles_folder() -> Path:
    root: Path = get_bundle_storage_root_path()  # type: ignore[no-untyped-call]  # Airflow's own
    return root


def project_name(path: Path) -> str:
    """Return ``path`` itself, or the path within the bundle if Airflow versions the bundle.

    A versioned bundle has one folder for the DAG processor and one folder per version for the tasks of runs that
    began with that version. The cache must be the same for all of them.
    """
    try:
        bundle, kind, *rest = path.relative_to(_bundles_folder()).parts
    except ValueError:  # outside the folder of bundles, or that folder itself
        return str(path)
    below = {"tracking_repo": rest, "versions": rest[1:]}.get(kind)
    return str(path) if below is None else "/".join(["bundle:", bundle, *below])
