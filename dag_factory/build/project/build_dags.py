"""Build DAGs from pipelines. A pipeline that cannot be built affects only itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from airflow.sdk import DAG

from dag_factory.build.dag.build_dag import build_dag
from dag_factory.config import model
from dag_factory.config.budget import OutOfTime, within
from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem, printable
from dag_factory.config.project.project import too_slow
from dag_factory.settings import BOUNDS


def build_dags(
    pipelines: Iterable[model.Pipeline], with_docs: bool = True, only_task: str | None = None
) -> tuple[dict[DagId, DAG], dict[DagId, Problem]]:
    """Return a DAG for each pipeline that can be built and a problem for each that cannot, both by DAG id.

    ``with_docs`` and ``only_task`` are passed to ``build_dag``.
    """
    dags: dict[DagId, DAG] = {}
    problems: dict[DagId, Problem] = {}
    for pipeline in pipelines:
        try:
            dags[pipeline.id] = within(BOUNDS.file_seconds, partial(build_dag, pipeline, with_docs, only_task))
        except OutOfTime:
            problems[pipeline.id] = too_slow(pipeline.file, "built")
        except Exception as error:  # Airflow or the client may raise anything; the other pipelines are still built
            problems[pipeline.id] = _build_failed(pipeline, error)
    return dags, problems


def _build_failed(pipeline: model.Pipeline, error: Exception) -> Problem:
    return Problem(
        file=pipeline.file,
        line=0,
        column=0,
        code="build-failed",
        message=printable(f"Airflow rejects `{pipeline.id}`: {type(error).__name__}: {error}"),
        hint="report this as a bug: the file passed every check, so a check is missing",
    )
