"""Measure a task's process from its fork to its first DAG, forked from a scheduler with or without a warm start.

``python startup.py OUT DAGS DAG TASK [--warm]``
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path

from common import rss_mb, write_result

# A scheduler with the LocalExecutor has imported these already.
for name in ("airflow.jobs.scheduler_job_runner", "airflow.executors.local_executor"):
    importlib.import_module(name)


def main() -> None:
    folder, dag_id, task_id = Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    if "--warm" in sys.argv:
        importlib.import_module("dag_factory.build.scheduler.prepare").warm_up()
    began = time.process_time()
    child = os.fork()
    if child == 0:
        began = time.process_time()
        importlib.import_module("airflow.sdk.execution_time.task_runner")
        bags = importlib.import_module("airflow.dag_processing.dagbag")
        os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
        os.environ["_AIRFLOW_PARSING_CONTEXT_TASK_ID"] = task_id
        bag = bags.BundleDagBag(
            dag_folder=str(folder / "loader.py"), safe_mode=False, bundle_path=folder, bundle_name="bench"
        )
        assert task_id in bag.dags[dag_id].task_dict, bag.import_errors
        write_result(cpu=time.process_time() - began, rss_mb=rss_mb())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    raise SystemExit(bool(status))


main()
