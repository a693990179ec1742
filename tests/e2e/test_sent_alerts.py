"""Alerts by email from real runs: one for each incident, with the verdict; kept if the mail server hangs."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.controller import Controller
from real_stack import Run, Running, wait_for
from test_interruptions import child_of

from dag_factory.build.alerts.kept_alerts import DAG_ID
from dag_factory.build.alerts.outbox import PREFIX
from dag_factory.local.instance import free_port


class MailServer:
    """A mail server that answers once it is released."""

    def __init__(self, is_stuck: bool = False) -> None:
        self.received: list[EmailMessage] = []
        self.released = threading.Event()
        if not is_stuck:
            self.released.set()
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.controller.start()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        await asyncio.get_running_loop().run_in_executor(None, self.released.wait, 600)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 OK"

    def mails(self, text: str) -> list[EmailMessage]:
        """The messages whose subject contains ``text``."""
        return [one for one in self.received if text in one["Subject"]]

    def wait(self, text: str) -> EmailMessage:
        return wait_for(lambda: self.mails(text), 600, f"an email about {text}")[0]


def connect(running: Running, name: str, server: MailServer) -> None:
    extra = '{"from_email": "airflow@example.com", "disable_ssl": true, "disable_tls": true, "timeout": 60}'
    body = {"connection_id": name, "conn_type": "smtp", "host": "127.0.0.1", "port": server.controller.port}
    running.api.call("POST", "/connections", {**body, "extra": extra})


@pytest.fixture(scope="module")
def server(running: Running) -> Iterator[MailServer]:
    found = MailServer()
    connect(running, "smtp_e2e", found)
    yield found
    found.controller.stop()


@pytest.fixture(scope="module")
def stuck_server(running: Running) -> Iterator[MailServer]:
    found = MailServer(is_stuck=True)
    connect(running, "smtp_stuck", found)
    yield found
    found.released.set()
    found.controller.stop()


@pytest.fixture(scope="module")
def runs(running: Running, server: MailServer, stuck_server: MailServer) -> dict[str, Run]:
    """Runs that fail; they start together, after their mail servers."""
    assert not server.received
    assert not stuck_server.received
    found = {name: running.start(f"alerts.{name}") for name in ("retried", "many", "stuck", "killed")}
    kill(found["killed"])
    return found


def kill(run: Run) -> None:
    """Kill the process of a running job, as the kernel does if the worker has no memory left."""
    wait_for(lambda: run.jobs().get("train") == "running" and "step" in run.log("train"), 300, "the job to run")
    [task] = run.running.api.tasks(run.dag_id, run.id)
    wait_for(lambda: child_of(task), 300, "the process of the job").kill()


def test_a_job_sends_one_email_when_its_retries_are_used_up(runs: dict[str, Run], server: MailServer) -> None:
    assert runs["retried"].wait() == "failed"
    message = server.wait("[local] alerts.retried: train failed (exit code)")
    text, html = (part.get_content() for part in message.iter_parts())
    assert "exited with code 3" in text or "exit code 3" in text
    lines = text.splitlines()
    assert "  line 30" in lines
    assert "  line 5" not in lines
    assert "the table is &lt;gone&gt;" in html
    assert "the password is ***" in text
    assert "correct-horse" not in text + html
    assert "try 1  " in text and "try 2  " in text
    assert "cpu-small" in text
    assert "Owner: lighthouse" in text
    run = quote(runs["retried"].id, safe="")
    assert f"/dags/alerts.retried/runs/{run}/tasks/train?try_number=2" in text
    assert len(server.mails("alerts.retried: train failed and is tried again")) == 1
    log = runs["retried"].log("train", 2)
    assert "Alert sent to mail: email to 1 address" in log


def test_a_mapped_job_with_ten_failures_sends_one_email(runs: dict[str, Run], server: MailServer) -> None:
    assert runs["many"].wait() == "failed"
    message = server.wait("[local] alerts.many: score failed (10 of 10 mapped tasks failed)")
    text = next(part.get_content() for part in message.iter_parts())
    assert "10 of 10 mapped tasks failed: " in text
    assert "ended from outside" not in text


def test_a_job_whose_process_is_killed_is_reported(runs: dict[str, Run], server: MailServer) -> None:
    assert runs["killed"].wait() == "failed"
    message = server.wait("[local] alerts.killed: train failed (killed)")
    text = next(part.get_content() for part in message.iter_parts())
    assert "this try was ended from outside" in text


def test_the_next_success_is_reported_once(running: Running, runs: dict[str, Run], server: MailServer) -> None:
    assert runs["retried"].wait() == "failed"
    server.wait("alerts.retried: train failed (exit code)")
    assert running.start("alerts.retried", {"works": True}).wait() == "success"
    server.wait("[local] alerts.retried: train succeeded after a failure")


def test_a_mail_server_that_hangs_gets_the_alert_later(
    running: Running, runs: dict[str, Run], stuck_server: MailServer
) -> None:
    run = runs["stuck"]
    assert run.wait() == "failed"
    wait_for(lambda: "Alert not sent to stuck: no answer in time; it is sent later" in run.log("train"), 300, "the log")
    assert "Alert not sent to missing: the Airflow connection `smtp_missing` does not exist" in run.log("train")
    assert kept(running, run) == ["stuck"]  # a laptop keeps no alert for a connection that it does not have
    stuck_server.released.set()

    def is_sent() -> bool:
        running.start(DAG_ID).wait()
        return not kept(running, run)

    wait_for(is_sent, 600, "the alert that was kept")
    assert stuck_server.mails("[local] alerts.stuck: train failed (exit code)")


def kept(running: Running, run: Run) -> list[str]:
    """The channels of the alerts of a run that wait."""
    found = running.api.call("GET", "/variables", limit=1000)["variables"]
    waiting = [json.loads(one["value"]) for one in found if one["key"].startswith(PREFIX)]
    return [one["channel"]["name"] for one in waiting if one["alert"]["pipeline"] == run.dag_id]


def test_each_incident_was_reported_once(runs: dict[str, Run], server: MailServer) -> None:
    assert runs["many"].wait() == "failed"
    server.wait("alerts.many")
    assert len(server.mails("alerts.many")) == 1
    assert len(server.mails("alerts.killed")) == 1
    assert len(server.mails("alerts.retried: train failed (exit code)")) == 1
    assert len(server.mails("alerts.retried failed")) == 0  # the alert of the job says everything
