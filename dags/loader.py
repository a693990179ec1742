"""Every DAG of the project: the YAML in configs/ is the source, and `dag_factory` builds it for Airflow.

Nothing is written here by hand. A pipeline is a file in configs/pipelines/; what is wrong with one is told
in Airflow's Import Errors, by import_errors.py, which lies beside this file.
"""

from pathlib import Path

# Used by nobody in this file. Airflow imports the modules of its own that it finds named here once, in the
# process from which it forks one to parse this file: seconds, each time it is parsed. It reads this text to
# find them, so the line must be in it, at the top level.
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401

from dag_factory.build.loader import load

# Airflow finds DAGs among the names of a module.
globals().update(load(Path(__file__).parent))
