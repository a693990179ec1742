"""Where the loader lies, as the scheduler finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dag_factory import settings


def find_loader_folder() -> Path:
    """Where the loader lies: in the first of Airflow's bundles that has a project, if any has.

    Of a bundle that has versions that is the newest one that this machine knows.
    """
    from airflow.configuration import conf
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    folder = Path(conf.get_mandatory_value("core", "dags_folder"))
    if settings.home() is None and not (folder.parent / "configs").is_dir():
        manager: Any = DagBundlesManager()  # type: ignore[no-untyped-call]  # Airflow's own
        for bundle in manager.get_all_dag_bundles():
            if (bundle.path.parent / "configs").is_dir():
                return Path(bundle.path)
    return folder
