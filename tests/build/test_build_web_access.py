"""Who may read the pages of the plugin: checked inside a real Airflow API server whose URL has a path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BASE = "/data/airflow"
APP = f"{BASE}/dagwright"
MINE, SECRET = f"{APP}/why/dag?dag_id=team.mine", f"{APP}/why/dag?dag_id=other.secret"
RUN = f"{APP}/why/run?dag_id=other.secret&run_id=r"
TASK = f"{APP}/why/task?dag_id=other.secret&run_id=r&task_id=t"
LIST = f"{APP}/pipelines"
NONE = f"{APP}/"
DOCS = f"{APP}/docs"
PATHS = (MINE, SECRET, RUN, TASK, LIST, NONE, DOCS)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the status, the text and the headers of each path, for each user."""
    home = tmp_path_factory.mktemp("airflow")
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__AUTH_MANAGER": "web_access.TeamAuthManager",
        "AIRFLOW__API__BASE_URL": f"http://localhost:8080{BASE}",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a" * 64,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "DAG_FACTORY"))}
    airflow = Path(sys.executable).parent / "airflow"
    subprocess.run([airflow, "db", "migrate"], env=inherited | own, check=True, capture_output=True, timeout=600)
    command = [sys.executable, str(Path(__file__).with_name("web_access.py")), *PATHS]
    answer = subprocess.run(command, env=inherited | own, capture_output=True, text=True, timeout=600, check=False)
    lines = [line for line in answer.stdout.splitlines() if line.startswith("ANSWERS ")]
    assert lines, answer.stdout[-3000:] + answer.stderr[-3000:]
    return json.loads(lines[-1].removeprefix("ANSWERS "))


def statuses(answers: Any, user: str) -> dict[str, int]:
    return {path: answer[0] for path, answer in answers[user].items()}


def test_nobody_reads_a_page_without_a_login(answers: Any) -> None:
    found = statuses(answers, "nobody")
    assert {found[path] for path in (MINE, SECRET, RUN, TASK, LIST)} == {401}


def test_a_user_reads_only_the_dags_that_airflow_lets_the_user_read(answers: Any) -> None:
    found = statuses(answers, "team")
    assert found[MINE] == 200
    assert {found[path] for path in (SECRET, RUN, TASK)} == {403}


def test_the_list_contains_only_dags_that_the_user_may_read(answers: Any) -> None:
    assert answers["team"][LIST][0] == answers["admin"][LIST][0] == 200
    assert "team.mine" in answers["team"][LIST][1] and "other.secret" not in answers["team"][LIST][1]
    assert "team.mine" in answers["admin"][LIST][1] and "other.secret" in answers["admin"][LIST][1]


def test_there_are_no_other_pages(answers: Any) -> None:
    for user in ("nobody", "team", "admin"):
        assert {statuses(answers, user)[path] for path in (NONE, DOCS)} == {404}


def test_links_begin_with_the_path_of_airflow(answers: Any) -> None:
    assert f'href="{BASE}/dags/team.mine"' in answers["team"][LIST][1]


def test_the_list_says_that_the_server_has_no_project(answers: Any) -> None:
    assert "This server has no copy of the project" in answers["team"][LIST][1]


def test_a_page_runs_no_foreign_script_and_is_not_cached(answers: Any) -> None:
    headers = answers["team"][MINE][2]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_the_page_of_a_dag_shows_the_verdict_of_its_last_run_to_those_who_may_read_runs(answers: Any) -> None:
    text = answers["team"][MINE][1]
    assert "The last run failed. <code>train</code> failed: out of memory: killed at 2Gi." in text
    assert "Use the flavor large." in text
    assert f'href="{BASE}/dags/team.mine/runs/r1/tasks/train/plugin/why-task"' in text
    hidden = answers["guest"][MINE]
    assert hidden[0] == 200
    assert "The last run failed." in hidden[1] and "train" not in hidden[1]
