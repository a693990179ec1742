"""``dagf up`` and ``dagf down``."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import psutil
from local_project import Project, eventually

from dag_factory.local.api import AirflowApi
from dag_factory.local.instance import free_port


def test_a_port_in_use_is_reported_and_no_process_is_left(project: Project) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, output = project.dagf("up", "--port", str(port))
    assert code == 2
    assert f"port {port} is already in use" in output
    assert f"make up PORT={port + 1}" in output
    eventually(lambda: not project.processes(), 300, "the last process to end")


def test_up_twice_and_down_twice(project: Project) -> None:
    readable_by_others(project.home)
    project.pipeline("hello", "schedule: '@daily'\nstart_date: 2026-01-01\njobs: {one: {script: echo hello}}")
    port = free_port()
    code, output = project.dagf("up", "--port", str(port))
    assert code == 0, output
    assert f"http://127.0.0.1:{port}" in output
    assert "for development only" in output
    assert "Log in" not in httpx.get(f"http://127.0.0.1:{port}/", follow_redirects=True, timeout=300).text
    trigger_many(port)
    assert {address for process in project.processes() for address in listening(process)} == {"127.0.0.1"}

    code, output = project.dagf("up", "--port", str(free_port()))
    assert code == 0
    assert "running already" in output
    assert f"http://127.0.0.1:{port}" in output

    assert project.dagf("down") == (0, "Stopped.\n")
    eventually(lambda: not project.processes(), 300, "the last process to end")
    assert project.dagf("down") == (0, "Nothing was running.\n")


def readable_by_others(folder: Path) -> None:
    """As root, PostgreSQL runs as another user, who must be able to reach the project. pytest's folders forbid it."""
    for parent in (folder, *folder.parents[: len(folder.parts) - 3]) if os.geteuid() == 0 else ():
        parent.chmod(0o755)


def trigger_many(port: int) -> None:
    """Ten people start a run at the same moment, and then a backfill."""
    api = AirflowApi(port)
    assert api.wait_for_dag("checks.hello", 300)
    token = httpx.get(f"{api.url}/auth/token", timeout=300).json()["access_token"]

    def post(path: str, body: dict[str, object]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(f"{api.url}/api/v2{path}", json=body, headers=headers, timeout=300)

    with ThreadPoolExecutor(10) as people:
        trigger = partial(post, "/dags/checks.hello/dagRuns")
        answers = list(people.map(trigger, [{"logical_date": None, "conf": {}}] * 10))
    assert [one.status_code for one in answers] == [200] * 10, answers[0].text
    days = {"from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-03T00:00:00Z", "max_active_runs": 1}
    backfill = post("/backfills", {"dag_id": "checks.hello", "run_backwards": False, "dag_run_conf": {}, **days})
    assert backfill.status_code == 200, backfill.text


def listening(process: psutil.Process) -> list[str]:
    """The addresses on which a process listens; none if it has ended."""
    try:
        found = process.net_connections(kind="inet")
    except psutil.NoSuchProcess:  # the processor ends one process for each file
        return []
    return [connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN]
