"""All pipelines that Airflow knows and the reader of the page may view."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any

from airflow.models.dag import DagModel
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from dag_factory.build.alerts import kept_alerts
from dag_factory.build.dag.build_dag import DELETED_TAG, LAST_GOOD_TAG, STOPPED_TAG
from dag_factory.reasons.of_pipelines import KnownDag

_STATES = {DELETED_TAG: "deleted", STOPPED_TAG: "stopped", LAST_GOOD_TAG: "last-good"}


def read_known(session: Session, readable: Collection[str], in_project: Collection[str]) -> Mapping[str, KnownDag]:
    """Return the DAGs of this factory: those of the project, and those that its loader files defined earlier."""
    dags = list(session.scalars(select(DagModel).options(selectinload(DagModel.tags))))
    loaders = {_file(one) for one in dags if one.dag_id in in_project}
    loaders |= {_file(one) for one in dags if PurePath(one.relative_fileloc or "").stem.startswith("loader")}
    found = [
        one for one in dags if one.dag_id in readable and _file(one) in loaders and one.dag_id != kept_alerts.DAG_ID
    ]
    return {one.dag_id: _known(one) for one in found}


def _file(dag: Any) -> tuple[str, str]:
    return str(dag.bundle_name), str(dag.relative_fileloc)


def _known(dag: Any) -> KnownDag:
    tags = {tag.name for tag in dag.tags}
    state = next((state for tag, state in _STATES.items() if tag in tags), "running")
    return KnownDag(bool(dag.is_stale), bool(dag.is_paused), dag.last_parsed_time, state)
