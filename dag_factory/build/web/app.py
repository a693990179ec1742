"""The web app: the pages of a DAG, a run and a task, and the list of all pipelines. It only reads.

Airflow does not protect an app that a plugin mounts. So each route checks access as Airflow's own API does. FastAPI
evaluates the annotations of the routes with the names of this module, so ``GetUserDep`` is imported at the top. The
sessions are not scoped to the thread: Airflow's functions open sessions, too, and would close a scoped one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.dag import DagModel
from airflow.models.dagbag import DBDagBag
from airflow.utils.session import create_session
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from dag_factory.build.web.html import page
from dag_factory.build.web.project_states import project_states
from dag_factory.build.web.read_dag import read_dag
from dag_factory.build.web.read_pipelines import read_known
from dag_factory.build.web.read_run import find_latest, find_open, find_run, read_run
from dag_factory.build.web.read_task import find_instances, read_mapped, read_task
from dag_factory.build.web.read_wait import read_wait
from dag_factory.reasons.facts import Dag, OpenTask, Run, Task
from dag_factory.reasons.of_dag import dag_reasons
from dag_factory.reasons.of_pipelines import combine, rows
from dag_factory.reasons.of_run import run_reasons
from dag_factory.reasons.of_task import mapped_reasons, task_reasons
from dag_factory.reasons.phrases import task_name
from dag_factory.reasons.reason import Reason
from dag_factory.verdicts.history import TryRecord

# Seconds that a page waits for a fresh answer about the files of the project.
AT_ONCE = 0.5  # the file matters little for runs and tasks
SOON = 5.0
PATIENTLY = 40.0

_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
_NOT_FOUND = Reason(
    "not-found",
    "info",
    "Airflow has no such run or task.",
    "It may have been deleted, or the run has not created the task yet.",
)


def make_app() -> FastAPI:
    """Return the app with its routes. It has no page with its own documentation."""
    app = FastAPI(title="dagwright", openapi_url=None)
    app.get("/why/dag", dependencies=[Depends(requires_access_dag("GET"))])(why_dag)
    app.get("/why/run", dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.RUN))])(why_run)
    task_access = Depends(requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE))
    app.get("/why/task", dependencies=[task_access])(why_task)
    app.get("/pipelines", dependencies=[Depends(requires_access_dag("GET"))])(pipelines)
    return app


def why_dag(dag_id: str, user: GetUserDep) -> HTMLResponse:
    """Why does this pipeline not run?"""
    with create_session(scoped=False) as session:
        dag = read_dag(session, dag_id, project_states(SOON).states)
        may_read = _may_read(user, dag_id, DagAccessEntity.RUN)
        runs = [_read_run(session, dag, one, user) for one in find_latest(session, dag)] if may_read else []
    return _why(dag_id, dag_reasons(dag, runs), refresh=True)


def why_run(dag_id: str, run_id: str, user: GetUserDep) -> HTMLResponse:
    """Why does this run wait, or how did it end?"""
    with create_session(scoped=False) as session:
        run = find_run(session, dag_id, run_id)
        if run is None:
            return _why(run_id, (_NOT_FOUND,), 404)
        dag = read_dag(session, dag_id, project_states(AT_ONCE).states)
        found = _read_run(session, dag, run, user)
    return _why(run_id, run_reasons(found), refresh=found.state not in _ENDED)


def why_task(dag_id: str, run_id: str, task_id: str, user: GetUserDep, map_index: str = "-1") -> HTMLResponse:
    """Why does this task wait, why did it not run, or why did it fail?"""
    # Airflow leaves the name of the placeholder in the address if the task is not mapped.
    index = int(map_index) if map_index.isdecimal() and len(map_index) < 10 else -1
    name = task_name(task_id, index)
    with create_session(scoped=False) as session:
        run = find_run(session, dag_id, run_id)
        instances = find_instances(session, run, task_id, index) if run is not None else []
        if not instances:
            return _why(name, (_NOT_FOUND,), 404)
        serialized = _serialized(run, session)
        of_run = read_run(session, read_dag(session, dag_id, project_states(AT_ONCE).states), run, serialized)
        if len(instances) > 1:
            return _why(name, mapped_reasons(read_mapped(session, of_run, run, instances)), refresh=True)
        task = read_task(session, of_run, run, instances[0], serialized, _readable(user))
        if _may_read(user, dag_id, DagAccessEntity.TASK_LOGS):
            task = _with_wait(task, instances[0])
    return _why(name, task_reasons(task), tries=task.tries, refresh=task.state not in _ENDED)


def pipelines(user: GetUserDep) -> HTMLResponse:
    """List all pipelines that the user may view."""
    answer = project_states(PATIENTLY)
    project = answer.states
    in_project = project.pipelines if project else {}
    readable = _readable(user, in_project)
    with create_session(scoped=False) as session:
        known = read_known(session, readable, in_project)
    found = combine(known, project)
    visible = rows((one for one in found if one.dag_id in readable), known)
    environment = project.environment if project else ""
    return page(
        "pipelines.html",
        title="Pipelines",
        refresh=False,
        rows=visible,
        missing=answer.missing,
        environment=environment,
    )


def _why(
    title: str,
    reasons: Iterable[Reason],
    status: int = 200,
    tries: Iterable[TryRecord] = (),
    refresh: bool = False,
) -> HTMLResponse:
    return page("why.html", status, title=title, reasons=tuple(reasons), tries=tuple(tries), refresh=refresh)


def _read_run(session: Any, dag: Dag, run: Any, user: Any) -> Run:
    """Return the facts about a run; for a running one with the first reason of each open task."""
    serialized = _serialized(run, session)
    found = read_run(session, dag, run, serialized)
    if found.state != "running":
        return found
    readable = _readable(user)
    instances = find_open(session, run)
    tasks = [read_task(session, found, run, one, serialized, readable) for one in instances]
    if _may_read(user, dag.dag_id, DagAccessEntity.TASK_LOGS):
        tasks = [_with_wait(task, instance) for task, instance in zip(tasks, instances, strict=True)]
    waits = (OpenTask(one.task_id, one.map_index, task_reasons(one)[0]) for one in tasks)
    return msgspec.structs.replace(found, open=tuple(waits))


def _with_wait(task: Task, instance: Any) -> Task:
    return msgspec.structs.replace(task, wait=read_wait(instance))


def _serialized(run: Any, session: Any) -> Any:
    return DBDagBag(load_op_links=False).get_dag_for_run(run, session)


def _may_read(user: Any, dag_id: str, entity: DagAccessEntity) -> bool:
    details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
    return bool(get_auth_manager().is_authorized_dag(method="GET", access_entity=entity, details=details, user=user))


def _readable(user: Any, others: Iterable[str] = ()) -> set[str]:
    """Return the DAGs that the user may view; of those that Airflow does not know, those among ``others``."""
    manager = get_auth_manager()
    found = set(manager.get_authorized_dag_ids(user=user, method="GET"))
    if unknown := set(others) - found:
        found |= manager.filter_authorized_dag_ids(dag_ids=unknown, user=user, method="GET")
    return found
