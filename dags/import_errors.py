"""Holds no DAG: raises what is wrong with the pipelines, so that Airflow's Import Errors tell it.

Airflow stops all DAGs of a file that has an import error, so this must not be the loader's file.
"""

from pathlib import Path

from dag_factory.build.report import check

if report := check(Path(__file__).parent):
    raise report from None
