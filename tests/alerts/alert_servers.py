"""Real receivers of alerts: a mail server, a web server, and Airflow's API with its database for variables."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from dag_factory.local.instance import free_port


class Mail:
    """A mail server. ``answer`` replaces the answer to a message; ``is_stuck`` makes it never answer."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.answer = "250 OK"
        self.release = threading.Event()
        self.is_stuck = False
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self._controller.start()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        if self.is_stuck:
            import asyncio

            await asyncio.get_running_loop().run_in_executor(None, self.release.wait, 60)
        if self.answer.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
        return self.answer

    def stop(self) -> None:
        self.release.set()
        self._controller.stop()


class Web:
    """A web server. ``requests`` has the paths, headers and bodies; ``answers`` the answers by path."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.release = threading.Event()
        self.is_stuck = False
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                if web.is_stuck:
                    web.release.wait(60)
                kind = self.headers.get("Content-Type", "")
                web.requests.append((self.path, dict(self.headers), json.loads(body) if "json" in kind else body))
                status, text = web.answers.get(self.path, (200, '{"ok": true}'))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mail]:
    """A mail server, and the connection `smtp_default` that leads to it."""
    server = Mail()
    set_connection(monkeypatch, "smtp_default", conn_type="smtp", host="127.0.0.1", port=server.port, extra=PLAIN)
    yield server
    server.stop()


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    yield server
    server.stop()


PLAIN = {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True, "retry_limit": 0}


def set_connection(monkeypatch: pytest.MonkeyPatch, name: str, **fields: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))


class Facts:
    """The states and the XComs of the tasks of the run `r`, by job and map index."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, int], str] = {}
        self.xcoms: dict[tuple[str, int | None, str], Any] = {}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Facts]:
    """What the supervisor of a task answers: about variables from Airflow's database, about a run from `Facts`."""
    from airflow import settings
    from airflow.models import Variable
    from airflow.models.base import Base
    from airflow.sdk.execution_time import comms, task_runner
    from airflow.utils.db import import_all_models
    from sqlalchemy import delete, select

    import_all_models()
    Base.metadata.create_all(settings.engine)

    facts = Facts()

    class Comms:
        def send(self, msg: Any) -> Any:
            with settings.Session() as session:
                if isinstance(msg, comms.PutVariable):
                    session.execute(delete(Variable).where(Variable.key == msg.key))
                    session.add(Variable(key=msg.key, val=msg.value, description=msg.description))
                    session.commit()
                elif isinstance(msg, comms.DeleteVariable):
                    session.execute(delete(Variable).where(Variable.key == msg.key))
                    session.commit()
                elif isinstance(msg, comms.GetVariableKeys):
                    found = session.scalars(select(Variable.key).where(Variable.key.startswith(msg.prefix))).all()
                    return comms.VariableKeysResult(keys=list(found), total_entries=len(found))
                elif isinstance(msg, comms.GetVariable):
                    one = session.scalar(select(Variable).where(Variable.key == msg.key))
                    if one is None:
                        return comms.ErrorResponse(error=comms.ErrorType.VARIABLE_NOT_FOUND)
                    return comms.VariableResult(key=one.key, value=one.val)
                elif isinstance(msg, comms.GetTaskStates):
                    found = {
                        f"{job}_{index}" if index >= 0 else job: state
                        for (job, index), state in facts.states.items()
                        if job in (msg.task_ids or ())
                    }
                    return comms.TaskStatesResult(task_states={"r": found})
                elif isinstance(msg, comms.GetXCom):
                    return comms.XComResult(key=msg.key, value=facts.xcoms.get((msg.task_id, msg.map_index, msg.key)))
                elif isinstance(msg, comms.GetConnection):
                    return comms.ErrorResponse(error=comms.ErrorType.CONNECTION_NOT_FOUND)
            return None

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Comms(), raising=False)
    yield facts
    with settings.Session() as session:
        session.execute(delete(Variable))
        session.commit()
