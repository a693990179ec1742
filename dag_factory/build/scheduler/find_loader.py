"""Find the loader's folder from the scheduler, which parses no DAG file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dag_factory import settings


def find_loader_folder() -> Path:
    """Return the folder of Airflow's first DAG bundle that belongs to a project, else Airflow's folder of DAGs.

    For a versioned bundle it is the newest version on this machine.
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
