"""The facts about a DAG: from Airflow's database, and from the project if this server has it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.api.common.airflow_health import UNHEALTHY, get_airflow_health
from airflow.models.asset import AssetDagRunQueue, AssetModel, DagScheduleAssetReference
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from dag_factory.build.dag.build_dag import DELETED_TAG, LAST_GOOD_TAG, STOPPED_TAG
from dag_factory.build.pages.read_page import PageFacts, read_page
from dag_factory.reasons import facts
from dag_factory.reasons.project_states import FileState, ProjectStates

COMPONENTS = ("scheduler", "dag_processor", "triggerer")


def read_dag(session: Session, dag_id: str, project: ProjectStates | None) -> facts.Dag:
    """Return the facts about a DAG, also if Airflow does not know it."""
    now = datetime.now(timezone.utc)
    model = session.get(DagModel, dag_id)
    states = project.pipelines if project else {}
    of_file = states.get(dag_id) or FileState("deleted" if project and project.complete else "", "")
    environment = project.environment if project else ""
    if model is None:
        return facts.Dag(
            dag_id=dag_id,
            now=now,
            known=False,
            file=of_file.file,
            file_state=of_file.state,
            problems=of_file.problems,
            only=of_file.only,
            environment=environment,
        )
    page = _page(session, dag_id)
    tags = {tag.name for tag in model.tags}
    last = session.execute(
        select(DagRun.run_id, DagRun.state).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(1)
    ).first()
    # A new state of the file holds from the next parse; until then Airflow runs what it has.
    return facts.Dag(
        dag_id=dag_id,
        now=now,
        services=read_services(),
        stale=bool(model.is_stale),
        last_parsed=model.last_parsed_time,
        paused=bool(model.is_paused),
        schedule=_schedule(model),
        schedule_off=of_file.schedule_off,
        next_run=model.next_dagrun_create_after,
        waits_for=_assets(session, model),
        off_in=page.off_in,
        active_runs=_active_runs(session, dag_id),
        max_active_runs=model.max_active_runs,
        last_run=(last[0], str(last[1])) if last else None,
        deleted=page.deleted if DELETED_TAG in tags else "",
        stopped=page.stopped if STOPPED_TAG in tags else (),
        last_good=page.last_good if LAST_GOOD_TAG in tags and not tags & {STOPPED_TAG, DELETED_TAG} else (),
        file=of_file.file or page.file,
        file_state=of_file.state,
        problems=of_file.problems,
        only=of_file.only,
        environment=environment or page.environment,
    )


def read_services() -> facts.Services:
    """Return which components of Airflow do not run. One that never ran is not counted, unless it is the scheduler."""
    health = get_airflow_health()
    last = {name: health[name].get(f"latest_{name}_heartbeat") for name in COMPONENTS}
    return facts.Services(
        tuple(name for name in COMPONENTS if health[name]["status"] == UNHEALTHY),
        {name: datetime.fromisoformat(text) if text else None for name, text in last.items()},
    )


def _page(session: Session, dag_id: str) -> PageFacts:
    stored: Any = SerializedDagModel.get_latest_serialized_dags(dag_ids=[dag_id], session=session)
    data: Any = stored[0].data if stored else None
    return read_page((data or {}).get("dag", {}).get("doc_md") or "")


def _schedule(model: Any) -> str:
    if str(model.timetable_type).endswith("NullTimetable"):
        return ""
    return str(model.timetable_description or model.timetable_summary or "")


def _assets(session: Session, model: Any) -> tuple[tuple[str, bool], ...]:
    """Return the assets that start the runs of a DAG that only assets start, and whether each was updated."""
    if not str(model.timetable_type).endswith("AssetTriggeredTimetable"):
        return ()
    named = session.execute(
        select(AssetModel.id, AssetModel.name)
        .join(DagScheduleAssetReference, DagScheduleAssetReference.asset_id == AssetModel.id)
        .where(DagScheduleAssetReference.dag_id == model.dag_id)
        .order_by(AssetModel.name)
    ).all()
    queued = select(AssetDagRunQueue.asset_id).where(AssetDagRunQueue.target_dag_id == model.dag_id)
    updated = set(session.scalars(queued))
    return tuple((name, asset_id in updated) for asset_id, name in named)


def _active_runs(session: Session, dag_id: str) -> tuple[str, ...]:
    statement = select(DagRun.run_id).where(DagRun.dag_id == dag_id, DagRun.state == "running").order_by(DagRun.id)
    return tuple(session.scalars(statement))
