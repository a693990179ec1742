"""Run the DAG processor's cycle once for a folder and time its parts: parse, serialize, store in the database.

``python cycle.py OUT DAGS``. The environment variables choose the database, which is migrated first.
"""

from __future__ import annotations

import sys
from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagbundle import DagBundleModel
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from common import cpu, rss_mb, write_result


def main() -> None:
    folder = Path(sys.argv[2])
    initdb()
    with create_session() as session:
        if session.get(DagBundleModel, "bench") is None:
            session.add(DagBundleModel(name="bench"))
    began = cpu()
    bag = DagBag(dag_folder=str(folder), bundle_path=folder, bundle_name="bench")
    parsed = cpu()
    serialized = [LazyDeserializedDAG.from_dag(dag) for dag in bag.dags.values()]
    serialized_at = cpu()
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db

    with create_session() as session:
        update_dag_parsing_results_in_db(
            bundle_name="bench",
            bundle_version=None,
            dags=serialized,
            import_errors={},
            parse_duration=None,
            warnings=set(),
            session=session,
            version_data=None,
        )
    stored = cpu()
    parts = {"parse": parsed - began, "serialize": serialized_at - parsed, "store": stored - serialized_at}
    write_result(cpu=stored - began, rss_mb=rss_mb(), dags=len(bag.dags), **parts)


main()
