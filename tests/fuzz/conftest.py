"""A temporary home of Airflow for the DAGs that are built from mutants; set before the first import of Airflow."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "dagwright-airflow-"

if not Path(os.environ.get("AIRFLOW_HOME", "")).name.startswith(
    _PREFIX
):  # unless the tests of another folder have set one
    _HOME = tempfile.mkdtemp(prefix=_PREFIX)
    atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
    os.environ.update(
        AIRFLOW_HOME=_HOME, AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING"
    )
