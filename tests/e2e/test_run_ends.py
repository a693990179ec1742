"""Runs that end for a reason of their own: a missed deadline, a timeout, a file that was deleted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from real_stack import Running, wait_for
from test_problems import listed_dags

WAITING = """\
version: 1
description: Its file is deleted while it runs.
defaults: {docker_image: "busybox:1", resource_flavor: cpu-small, retries: 3}
jobs:
  first:
    volumes: [{mount_path: /data, pvc: vanishing}]
    script: |
      echo "It runs."
      echo "It waits."
      until [ -e /data/go ]; do sleep 0.2; done
  second: {depends_on: [first], script: echo "Never."}
  cleanup: {depends_on: [second], teardown: {of: first}, script: echo "Cleaned up."}
"""


@pytest.fixture
def received() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server: its URL, and what it received."""
    requests: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", requests
    server.shutdown()
    server.server_close()


def test_a_missed_deadline_sends_an_alert_and_the_run_continues(
    running: Running, received: tuple[str, list[dict[str, Any]]]
) -> None:
    url, requests = received
    running.api.call("POST", "/connections", {"connection_id": "receiver", "conn_type": "http", "host": url})
    claim = running.claim("late")
    run = running.start("checks.late")
    [alert] = wait_for(lambda: list(requests), 300, "the alert")
    assert (alert["event"], alert["pipeline"], alert["run"]) == ("on_deadline", run.dag_id, run.id)
    assert "the run did not succeed within 5s after it is queued" in alert["sentence"]
    assert "slow (" in alert["sentence"]  # the job that is not finished
    (claim / "go").touch()
    assert run.wait() == "success"
    assert len(requests) == 1


def test_a_run_whose_file_was_deleted_ends_and_says_why(running: Running) -> None:
    path = running.pipeline("checks.vanishing", WAITING)
    claim = running.claim("vanishing")
    run = running.start("checks.vanishing")
    wait_for(lambda: run.jobs().get("first") == "running" and "It runs." in run.log("first"), 300, "the first job")
    path.unlink()
    tags = wait_for(
        lambda: [
            tag["name"] for tag in listed_dags(running).get(run.dag_id, {}).get("tags", ()) if tag["name"] == "deleted"
        ],
        300,
        "the tag of a deleted pipeline",
    )
    assert tags == ["deleted"]
    (claim / "go").touch()  # the job that runs is not touched
    assert run.wait() == "failed"
    assert run.jobs() == {"first": "success", "second": "failed", "cleanup": "success"}
    log = run.log("second")
    assert "the file `configs/pipelines/checks/vanishing.yaml` was deleted or renamed" in log
    assert "Traceback" not in log
    wait_for(lambda: not running.pods(run), 300, "the pods to end")
    wait_for(lambda: run.dag_id not in listed_dags(running), 300, "the deleted pipeline to disappear")


def test_a_run_that_exceeds_its_timeout_ends_with_its_pods(running: Running) -> None:
    run = running.runs["limited"]
    assert run.wait() == "failed"
    assert set(run.jobs().values()) == {"skipped"}
    assert "step" in run.log("waits")
    reason = "the run took longer than its timeout of 3m, so Airflow ended it"
    wait_for(lambda: reason in run.log("waits"), 300, "the reason")
    wait_for(lambda: not running.pods(run), 300, "the pods to end")
    started = {key[2]: dict(tries) for key, tries in running.recording.tries.items() if key[0] == run.dag_id}
    assert {job: len(tries) for job, tries in started.items()} == {"waits": 1, "defers": 1}
