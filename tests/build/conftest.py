"""A separate Airflow home for these tests. It must be set before Airflow is first imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

_HOME = tempfile.mkdtemp(prefix="dagwright-airflow-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=f"{_HOME}/dags",
)


@pytest.fixture(autouse=True)
def _no_project_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DAG_FACTORY_HOME",
        "DAG_FACTORY_ENV",
        "_AIRFLOW_PARSING_CONTEXT_DAG_ID",
        "_AIRFLOW_PARSING_CONTEXT_TASK_ID",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Airflow connection of the cluster sets nothing."""
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

    def nothing(*_: Any, **__: Any) -> None: ...

    for word in ("image", "resources", "security_context"):
        monkeypatch.setattr(KubernetesHook, f"get_xcom_sidecar_container_{word}", nothing, raising=False)
    monkeypatch.setattr(KubernetesHook, "get_namespace", nothing)
    monkeypatch.setattr(KubernetesHook, "__init__", nothing)


@pytest.fixture(scope="session")
def airflow_database() -> Iterator[None]:
    """Airflow's database, in SQLite, in the Airflow home of the tests."""
    from airflow import settings
    from airflow.models.base import Base
    from airflow.utils.db import import_all_models

    import_all_models()
    Base.metadata.create_all(settings.engine)
    yield
    settings.dispose_orm(do_log=False)
