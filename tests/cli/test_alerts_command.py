"""`dagf alerts`: the channels of a project, and a sample alert through a real receiver."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dag_factory.cli.main import main

CHANNELS = """\
version: 1
channels:
  hook: {webhook: {connection: my_hook}}
  oncall: {email: {to: [oncall@example.com]}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("DAG_FACTORY_CACHE", "off")
    for name, text in {
        "platform/alerts": CHANNELS,
        "platform/environments/prod": "version: 1\n",
        "platform/flavors": "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n",
        "pipelines/team/flow": "version: 1\ndefaults: {docker_image: a, resource_flavor: small}\n"
        "alerts: {on_failure: [hook]}\n",
    }.items():
        path = tmp_path / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """A web server behind the connection `my_hook`, and what it received."""
    found: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    monkeypatch.setenv("AIRFLOW_CONN_MY_HOOK", json.dumps({"conn_type": "http", "host": url}))
    yield found
    server.shutdown()
    server.server_close()


def dagf(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["alerts", *arguments, "--home", str(home)])


def test_list(home: Path) -> None:
    result = dagf(home, "list")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "hook: webhook, connection my_hook; used by team.flow",
            "oncall: email to oncall@example.com, connection smtp_default; used by no pipeline",
        ],
    )


def test_a_sample_says_that_it_is_one(home: Path, received: list[Any]) -> None:
    result = dagf(home, "test", "hook")
    assert result.exit_code == 0, result.output
    assert "  sent: request to 127.0.0.1:" in result.stdout
    (body,) = received
    assert body["subject"] == "Sample: [prod] team.example: train failed (out of memory)"
    assert (body["is_sample"], body["environment"]) == (True, "prod")


def test_a_missing_connection_is_reported_with_its_fix(home: Path) -> None:
    result = dagf(home, "test", "oncall")
    assert result.exit_code == 1
    assert "  not sent: the Airflow connection `smtp_default` does not exist\n" in result.stdout
    assert "  help: create it: airflow connections add smtp_default --conn-type smtp " in result.stdout


def test_an_unknown_channel(home: Path) -> None:
    result = dagf(home, "test", "hock")
    assert result.exit_code == 2
    assert "there is no channel `hock` in the environment prod; did you mean `hook`?" in result.output
