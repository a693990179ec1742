"""The DAG of `dagf run`, in Airflow on this machine. The command writes a DAG file that calls ``load_run``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from airflow.sdk import DAG, get_parsing_context

from dag_factory.build.dag.build_dag import build_dag
from dag_factory.config.budget import within
from dag_factory.config.local_run import decode
from dag_factory.settings import BOUNDS


def load_run(dag_file: Path) -> dict[str, DAG]:
    """Return the DAG by its id. The compiled pipeline is in a file beside ``dag_file`` that ends with ``.json``.

    Raises what Airflow raises for values that it rejects; then the command shows the error.
    """
    run = decode(dag_file.with_suffix(".json").read_bytes())
    context = get_parsing_context()
    is_worker = context.dag_id is not None
    make = partial(build_dag, run.pipeline, not is_worker, context.task_id, run.outputs)
    return {run.pipeline.id: within(BOUNDS.file_seconds, make)}
