"""Defines all DAGs of the project. The package `dag_factory` builds them from the YAML files in configs/.

Do not add DAGs here: each pipeline is a file in configs/pipelines/. The problems of pipelines are shown in Airflow's
Import Errors, by import_errors.py in this folder.
"""

from pathlib import Path

# Not used in this file, but it saves seconds in each parse. Airflow searches the text of this file for imports of its
# own modules and imports them once, in the process that it forks to parse this file. The import must be at the top
# level.
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401

from dag_factory.build.loader import load

# Airflow finds DAGs in the global variables of a module.
globals().update(load(Path(__file__).parent))
