"""Pipelines that the project no longer defines while a run of them is not finished.

Airflow schedules nothing of a DAG that is gone, so such a run would stay `running` forever. So the DAG stays, stopped,
until its runs are finished: its next jobs fail and say why. A job that already runs is watched to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from dag_factory.config.file_results import FileResult, PipelineResult
from dag_factory.config.ids import DagId
from dag_factory.config.model import Manual, Pipeline
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project import last_good
from dag_factory.config.storage.cache_entries import LastGood

Activity = Literal["active", "waiting", "none", "unknown"]
"""Of a DAG: a task of it is at work or due; tasks only wait for the scheduler; every run is finished; no answer."""

FindActivity = Callable[[Pipeline], Activity]

DELETED: Code = "deleted-pipeline"
_MAX_QUESTIONS = 50
"""In one pass. Each is a query of Airflow's database. After thousands of deletions the rest waits for later passes."""
_MAX_IDLE = 10
"""Passes in a row in which tasks only wait. Then their runs wait for something that never comes, or are paused."""


def no_runs(_: Pipeline) -> Activity:
    """Answer without Airflow: a deleted DAG is gone at once."""
    return "none"


def find_leaving(
    known: Mapping[DagId, LastGood],
    results: Sequence[FileResult],
    restore: Callable[[DagId, LastGood], Pipeline | None],
    activity: FindActivity,
) -> dict[DagId, tuple[LastGood, Pipeline | None]]:
    """Return the DAGs that stay although nothing defines them: their new entry, and what to build of them, if anything.

    A DAG that was missing in only one pass is not among them: a checkout deletes a file before it writes it again.
    """
    is_defined = last_good.find_defined(results)
    found: dict[DagId, tuple[LastGood, Pipeline | None]] = {}
    questions = 0
    for dag_id, one in sorted(known.items()):
        if not one.gone or is_defined(dag_id, one):
            continue
        if questions == _MAX_QUESTIONS:
            found[dag_id] = (one, None)
            continue
        pipeline = restore(dag_id, one)
        if pipeline is None:
            continue
        questions += 1
        state = activity(pipeline)
        idle = one.idle + 1 if state == "waiting" else 0
        if state == "unknown":
            found[dag_id] = (one, pipeline if one.deleted else None)
        elif state == "active" or (state == "waiting" and idle <= _MAX_IDLE):
            found[dag_id] = (msgspec.structs.replace(one, deleted=True, idle=idle), pipeline)
    return found


def is_defined(result: PipelineResult) -> bool:
    """Whether the pipeline exists in this environment; its file may be broken."""
    return result.pipeline is not None or bool(errors(result.problems))


def stop(pipeline: Pipeline, has_file: bool) -> Pipeline:
    """Return the pipeline without a schedule, with the reason for which its jobs fail."""
    file, environment = pipeline.file, pipeline.environment
    if has_file:
        message = f"`{file}` no longer defines this pipeline in the environment `{environment}`, so its runs end"
    else:
        message = f"the file `{file}` was deleted or renamed, so the runs of this pipeline end"
    hint = "to run the pipeline again, restore it, then clear the failed tasks"
    problem = Problem(file, 0, 0, DELETED, message, hint=hint)
    return msgspec.structs.replace(pipeline, schedule=Manual(), current_errors=(), stopped=(problem, *pipeline.stopped))


def within_work(
    leaving: Mapping[DagId, tuple[LastGood, Pipeline | None]], left: int | None
) -> Iterator[tuple[DagId, Pipeline]]:
    """The deleted pipelines to build, as long as the loader has work left for them, and their ids."""
    for dag_id, (one, pipeline) in leaving.items():
        if pipeline is None:
            continue
        if left is not None:
            left -= one.work
            if left < 0:
                return
        yield dag_id, pipeline


def is_deleted(pipeline: Pipeline) -> bool:
    """Whether nothing defines the pipeline any more."""
    return any(one.code == DELETED for one in pipeline.stopped)


def restore(dag_id: DagId, one: LastGood, find_result: last_good.FindResult) -> Pipeline | None:
    """The last good version of a DAG, if it is stored."""
    return last_good.restore(dag_id, one, find_result, ()).pipeline
