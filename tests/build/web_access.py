"""Ask the pages of the plugin as several users, inside a real Airflow API server with an empty database.

Run as a program by ``test_build_web_access.py``, which sets Airflow's configuration. Prints the answers as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser


class TeamAuthManager(SimpleAuthManager):
    """Airflow's simple auth manager, where the user ``team`` may only read DAGs whose id begins with ``team.``."""

    def is_authorized_dag(self, *, user: Any, details: Any = None, **rest: Any) -> bool:
        if user.username == "team" and details is not None and details.id and not details.id.startswith("team."):
            return False
        return super().is_authorized_dag(user=user, details=details, **rest)


def main(paths: list[str]) -> None:
    """Print the status and the text of each path for nobody, for the user ``team``, and for an administrator."""
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
    client = TestClient(create_app(apps="core"))
    users = {"team": "viewer", "admin": "admin"}
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
