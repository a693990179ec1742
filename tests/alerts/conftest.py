"""A separate Airflow home for these tests. It must be set before Airflow is first imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from alert_servers import api, mail, web

__all__ = ["api", "mail", "web"]

_HOME = tempfile.mkdtemp(prefix="dagwright-airflow-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=f"{_HOME}/dags",
    AIRFLOW__API__BASE_URL="http://airflow.example.com:8080/",
)
