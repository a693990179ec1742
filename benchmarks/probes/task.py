"""Parse what a worker parses when a task starts, for several tasks, each in its own forked process.

``python task.py OUT DAGS FILE,DAG,TASK [FILE,DAG,TASK ...]``: the first task is parsed before the measurement, as the
plugin does in the scheduler that forks the tasks. Each of the others is then measured. FILE is relative to DAGS.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: F401
from common import cpu, rss_mb, write_result


def parse(folder: Path, task: str) -> float:
    """Return the processor seconds of the parse for one task. Raise ``SystemExit`` if the task is not found."""
    file, dag_id, task_id = task.split(",")
    os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
    os.environ["_AIRFLOW_PARSING_CONTEXT_TASK_ID"] = task_id
    began = cpu()
    bag = BundleDagBag(
        dag_folder=str(folder / file), safe_mode=False, load_op_links=False, bundle_path=folder, bundle_name="bench"
    )
    used = cpu() - began
    if dag_id not in bag.dags or task_id not in bag.dags[dag_id].task_dict:
        raise SystemExit(f"no task {task_id} of {dag_id} in {file}: {bag.import_errors}")
    return used


def forked(folder: Path, task: str) -> tuple[float, float]:
    """Return the processor seconds of the parse in a forked process, and that process's memory in MiB."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        used = parse(folder, task)
        os.write(writer, json.dumps([used, rss_mb()]).encode())
        os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"the parse of {task} failed")
    with os.fdopen(reader, "rb") as stream:
        used, memory = json.loads(stream.read())
    return used, memory


def main() -> None:
    folder, warm_up, *tasks = Path(sys.argv[2]), *sys.argv[3:]
    parse(folder, warm_up)
    results = [forked(folder, task) for task in tasks]
    write_result(cpu=[used for used, _ in results], rss_mb=max(memory for _, memory in results))


main()
