"""Raises the problems of the pipelines, so that Airflow shows them as an import error. Defines no DAG.

This is not in ``loader.py`` because Airflow stops all DAGs of a file with an import error.
"""

from pathlib import Path

from dag_factory.build.report import check

if report := check(Path(__file__).parent):
    raise report from None
