"""DAGs from pipelines: what is wrong with one costs that one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from airflow.sdk import DAG

from dag_factory.build.dag.build_dag import build_dag
from dag_factory.config import model
from dag_factory.config.budget import OutOfTime, within
from dag_factory.config.problems import Problem, printable
from dag_factory.config.project.project import too_slow
from dag_factory.settings import BOUNDS


def build_dags(
    pipelines: Iterable[model.Pipeline], pages: bool = True, to_run: str | None = None
) -> tuple[dict[str, DAG], dict[str, Problem]]:
    """A DAG for each pipeline that can be built, and a problem for each that cannot, by their ids.

    ``pages`` and ``to_run`` as for ``build_dag``.
    """
    dags: dict[str, DAG] = {}
    problems: dict[str, Problem] = {}
    for pipeline in pipelines:
        try:
            dags[pipeline.id] = within(BOUNDS.file_seconds, partial(build_dag, pipeline, pages, to_run))
        except OutOfTime:
            problems[pipeline.id] = too_slow(pipeline.file, "built")
        except Exception as error:  # whatever Airflow or the client raised, the others are built
            problems[pipeline.id] = _failed(pipeline, error)
    return dags, problems


def _failed(pipeline: model.Pipeline, error: Exception) -> Problem:
    return Problem(
        file=pipeline.file,
        line=0,
        column=0,
        code="build-failed",
        message=printable(f"Airflow does not take `{pipeline.id}`: {type(error).__name__}: {error}"),
        hint="the file passed every check, so the check is at fault too: please report it",
    )
