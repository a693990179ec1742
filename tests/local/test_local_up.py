"""``dagf up`` and ``dagf down``."""

from __future__ import annotations

import socket

import httpx
import psutil
from local_project import Project, eventually

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
    project.pipeline("hello", "jobs: {one: {script: echo hello}}")
    port = free_port()
    code, output = project.dagf("up", "--port", str(port))
    assert code == 0, output
    assert f"http://127.0.0.1:{port}" in output
    assert "for development only" in output
    assert "Log in" not in httpx.get(f"http://127.0.0.1:{port}/", follow_redirects=True, timeout=300).text
    assert {address for process in project.processes() for address in listening(process)} == {"127.0.0.1"}

    code, output = project.dagf("up", "--port", str(free_port()))
    assert code == 0
    assert "running already" in output
    assert f"http://127.0.0.1:{port}" in output

    assert project.dagf("down") == (0, "Stopped.\n")
    eventually(lambda: not project.processes(), 300, "the last process to end")
    assert project.dagf("down") == (0, "Nothing was running.\n")


def listening(process: psutil.Process) -> list[str]:
    """The addresses on which a process listens; none if it has ended."""
    try:
        found = process.net_connections(kind="inet")
    except psutil.NoSuchProcess:  # the processor ends one process for each file
        return []
    return [connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN]
