"""A separate Airflow home for these tests. It must be set before Airflow is first imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_HOME = tempfile.mkdtemp(prefix="dagwright-airflow-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
    # No edit of the oracle's tests sets these numbers, so "not set" is another effect than any number.
    AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG="17",
    AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG="19",
)
