"""A home of Airflow's own, for the DAGs that are built of mutants; named before the first import of Airflow."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "dagwright-airflow-"

if not Path(os.environ.get("AIRFLOW_HOME", "")).name.startswith(_PREFIX):  # no other folder's tests have named one
    _HOME = tempfile.mkdtemp(prefix=_PREFIX)
    atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
    os.environ.update(
        AIRFLOW_HOME=_HOME, AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING"
    )
