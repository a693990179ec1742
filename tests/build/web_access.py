"""Ask the pages of the plugin as several users, inside a real Airflow API server with an empty database.

Run as a program by ``test_build_web_access.py``, which sets Airflow's configuration. Prints the answers as JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from typing import Any

import msgspec
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

from dag_factory.verdicts.history import KEY, History, TryRecord


class TeamAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager with limits.

    The user ``team`` may only read DAGs whose id begins with ``team.``. The user ``guest`` may read no runs.
    """

    def is_authorized_dag(self, *, user: Any, details: Any = None, **rest: Any) -> bool:
        if user.username == "guest" and rest.get("access_entity") is not None:
            return False
        if user.username == "team" and details is not None and details.id and not details.id.startswith("team."):
            return False
        return super().is_authorized_dag(user=user, details=details, **rest)


def add_failed_run(session: Any) -> None:
    """Add a failed run of ``team.mine`` with one failed task, whose verdict is in the state store."""
    from airflow.models.dag_version import DagVersion
    from airflow.models.dagrun import DagRun
    from airflow.models.task_state_store import TaskStateStoreModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.providers.standard.operators.empty import EmptyOperator

    key = {"dag_id": "team.mine", "run_id": "r1"}
    version = DagVersion(dag_id="team.mine", version_number=1, bundle_name="bundle")
    now = datetime.now(timezone.utc)
    run = DagRun(**key, run_type="manual", state="failed", run_after=now, start_date=now)
    session.add_all((version, run))
    session.flush()
    task = TaskInstance(EmptyOperator(task_id="train"), dag_version_id=version.id, run_id="r1", state="failed")
    task.dag_id, task.max_tries = "team.mine", 0
    session.add(task)
    sentence, what_to_do = "out of memory: killed at 2Gi", "Use the flavor large."
    last = TryRecord(number=1, flavor="small", kind="out-of-memory", sentence=sentence, what_to_do=what_to_do)
    history = msgspec.json.encode(History(max_tries=0, tries=(last,))).decode()
    session.flush()
    session.add(TaskStateStoreModel(**key, dag_run_id=run.id, task_id="train", map_index=-1, key=KEY, value=history))


def main(paths: list[str]) -> None:
    """Print the status and the text of each path: for nobody, for ``team``, for ``guest`` and for ``admin``."""
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session
    from fastapi.testclient import TestClient

    with create_session() as session:
        session.add(DagBundleModel(name="bundle"))
        session.flush()
        for dag_id in ("team.mine", "other.secret"):
            dag = DagModel(dag_id=dag_id, bundle_name="bundle", relative_fileloc="loader.py", is_stale=False)
            dag.max_active_tasks, dag.max_active_runs, dag.has_task_concurrency_limits = 16, 16, False
            dag.max_consecutive_failed_dag_runs = 0
            session.add(dag)
        session.flush()
        add_failed_run(session)
    client = TestClient(create_app(apps="core"))
    users = {"team": "viewer", "guest": "viewer", "admin": "admin"}
    tokens = {
        name: get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role))
        for name, role in users.items()
    }
    headers = {"nobody": {}, **{name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}}
    found = {}
    for user, header in headers.items():
        answers = {path: client.get(path, headers=header) for path in paths}
        found[user] = {path: [one.status_code, one.text, dict(one.headers)] for path, one in answers.items()}
    print("ANSWERS " + json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
