"""Each channel against a real server: what arrives, and what an error says."""

from __future__ import annotations

import logging
import sys

import msgspec
import pytest
from alert_servers import PLAIN, Mail, Web, set_connection

from dag_factory.build.alerts.alert import Alert, Link
from dag_factory.build.alerts.channels.channel_error import ChannelError
from dag_factory.build.alerts.channels.send import send
from dag_factory.build.alerts.render import render
from dag_factory.config.model import Channel
from dag_factory.local.instance import free_port
from dag_factory.verdicts.history import TryRecord

ALERT = Alert(
    event="on_failure",
    environment="prod",
    pipeline="growth.churn",
    run="manual__2026-11-30",
    job="train",
    summary="out of memory",
    sentence="out of memory: the container was killed at its limit of 2Gi",
    what_to_do="Use a larger flavor.",
    kind="out-of-memory",
    tries=(TryRecord(number=1, flavor="cpu-small", size="1 CPU, 2Gi", node="n3", ran=61, sentence="out of memory"),),
    log_lines=("loading", "a < b & c"),
    owner="growth",
    links=(Link(text="Log", url="http://airflow.example.com/log?a=1&b=2"),),
)
MESSAGE = render(ALERT)
EMAIL = Channel(name="oncall", kind="email", to=("a@example.com", "b@example.com"))
SLACK = Channel(name="chat", kind="slack", connection="slack_ml", channel="#ml")
HOOK = Channel(name="hook", kind="webhook", connection="my_hook")
PAGER = Channel(name="pager", kind="apprise", connection="pager")


def failure(channel: Channel) -> ChannelError:
    with pytest.raises(ChannelError) as error:
        send(channel, MESSAGE)
    return error.value


def test_an_email_has_a_subject_text_and_html(mail: Mail) -> None:
    assert send(EMAIL, MESSAGE) == f"email to 2 addresses through 127.0.0.1:{mail.port}"
    (received,) = mail.received
    assert received["Subject"] == "[prod] growth.churn: train failed (out of memory)"
    assert (received["From"], received["To"]) == ("airflow@example.com", "a@example.com, b@example.com")
    text, html = (part.get_content() for part in received.iter_parts())
    assert "out of memory: the container was killed at its limit of 2Gi" in text
    assert "try 1  cpu-small (1 CPU, 2Gi)  n3  ran 1m1s  out of memory" in text
    assert "  a < b & c\n" in text.replace("\r\n", "\n")
    assert "Log: http://airflow.example.com/log?a=1&b=2" in text
    assert "<td>cpu-small (1 CPU, 2Gi)</td>" in html
    assert "a &lt; b &amp; c" in html
    assert '<a href="http://airflow.example.com/log?a=1&amp;b=2">Log</a>' in html


def test_a_mail_server_that_refuses(mail: Mail) -> None:
    mail.answer = "550 no such user"
    assert "550" in failure(EMAIL).problem
    assert mail.received == []


def test_a_mail_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    set_connection(monkeypatch, "smtp_default", conn_type="smtp", host="127.0.0.1", port=port, extra=PLAIN)
    error = failure(EMAIL)
    assert error.problem.startswith(f"cannot connect to 127.0.0.1:{port}")
    assert error.fix == "check host and port of the connection"


@pytest.mark.parametrize("channel", [EMAIL, SLACK, HOOK, PAGER], ids=lambda one: one.kind)
def test_a_missing_connection_names_the_command_that_creates_it(channel: Channel) -> None:
    error = failure(channel)
    name = channel.connection or "smtp_default"
    assert error.problem == f"the Airflow connection `{name}` does not exist"
    assert error.fix.startswith(f"create it: airflow connections add {name} --conn-type ")
    assert error.is_setup


def test_a_connection_of_another_type(monkeypatch: pytest.MonkeyPatch) -> None:
    set_connection(monkeypatch, "my_hook", conn_type="smtp", host="a")
    assert failure(HOOK).problem == "the Airflow connection `my_hook` has the type `smtp`, not `http`"


def test_a_connection_without_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    set_connection(monkeypatch, "smtp_default", conn_type="smtp", host="127.0.0.1", extra={})
    assert "`from_email`" in failure(EMAIL).fix


def test_a_missing_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.slack.hooks.slack", None)
    error = failure(SLACK)
    assert error.problem == "the package apache-airflow-providers-slack is not installed"
    assert "pip install 'dagwright[alerts]'" in error.fix


def test_slack_with_a_bot(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    base = f"http://127.0.0.1:{web.port}/api/"
    set_connection(monkeypatch, "slack_ml", conn_type="slack", password="xoxb-1", extra={"base_url": base})
    assert send(SLACK, MESSAGE) == "message to the Slack channel #ml"
    ((path, headers, body),) = web.requests
    assert (path, headers["Authorization"], body["channel"]) == ("/api/chat.postMessage", "Bearer xoxb-1", "#ml")
    assert body["text"].startswith("*[prod] growth.churn: train failed (out of memory)*\n")
    assert "a &lt; b &amp; c" in body["text"]
    web.answers["/api/chat.postMessage"] = (200, '{"ok": false, "error": "not_in_channel"}')
    error = failure(SLACK)
    assert (error.problem, error.fix) == (
        "Slack answers `not_in_channel`",
        "invite the bot: type `/invite @NAME` in the channel",
    )


def test_slack_with_a_webhook(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"http://127.0.0.1:{web.port}/services"
    set_connection(monkeypatch, "slack_ml", conn_type="slackwebhook", host=host, password="T0/B0/secret-part")
    web.answers["/services/T0/B0/secret-part"] = (200, "ok")
    assert send(SLACK, MESSAGE).startswith("message to Slack through a webhook")
    assert web.requests[0][0] == "/services/T0/B0/secret-part"
    web.answers["/services/T0/B0/secret-part"] = (404, "no_service")
    error = failure(SLACK)
    assert "secret-part" not in error.problem
    assert error.fix == "the webhook was deleted: create a new one"


def test_a_webhook_gets_json(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{web.port}/hooks/secret-part"
    extra = {"X-Key": "k"}
    set_connection(monkeypatch, "my_hook", conn_type="http", host=url, login="me", password="pw", extra=extra)
    assert send(HOOK, MESSAGE) == f"request to 127.0.0.1:{web.port}, which answers 200"
    ((path, headers, body),) = web.requests
    assert (path, headers["X-Key"], headers["Authorization"][:6]) == ("/hooks/secret-part", "k", "Basic ")
    assert (body["version"], body["event"], body["job"]) == (1, "on_failure", "train")
    assert body["subject"] == "[prod] growth.churn: train failed (out of memory)"
    assert body["tries"][0]["flavor"] == "cpu-small"
    web.answers[path] = (403, "")
    error = failure(HOOK)
    assert (error.problem, error.fix) == (
        f"127.0.0.1:{web.port} answers 403 Forbidden",
        "check login, password and headers (extra) of the connection",
    )


def test_the_error_of_a_webhook_does_not_show_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}/hooks/secret-part"
    set_connection(monkeypatch, "my_hook", conn_type="http", host=url)
    error = failure(HOOK)
    assert error.problem.startswith("cannot connect to 127.0.0.1:")
    assert "secret-part" not in error.problem + error.fix


def test_apprise(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    services = [
        {"path": f"json://127.0.0.1:{web.port}/one", "tag": "oncall"},
        {"path": f"json://127.0.0.1:{web.port}/two", "tag": "others"},
    ]
    set_connection(monkeypatch, "pager", conn_type="apprise", extra={"config": services})
    assert send(PAGER, MESSAGE) == "message to 2 services of Apprise"
    assert {path for path, _, _ in web.requests} == {"/one", "/two"}
    body = web.requests[0][2]
    assert (body["title"], body["type"]) == ("[prod] growth.churn: train failed (out of memory)", "failure")
    web.requests.clear()
    assert send(msgspec.structs.replace(PAGER, tag="oncall"), MESSAGE) == "message to 1 service of Apprise"
    assert [path for path, _, _ in web.requests] == ["/one"]
    assert "has the tag `nobody`" in failure(msgspec.structs.replace(PAGER, tag="nobody")).problem


def test_apprise_whose_service_refuses(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    service = {"path": f"json://127.0.0.1:{web.port}/secret-part"}
    set_connection(monkeypatch, "pager", conn_type="apprise", extra={"config": service})
    web.answers["/secret-part"] = (500, "")
    error = failure(PAGER)
    assert error.problem.startswith("a service of Apprise did not accept the message")
    assert "secret-part" not in error.problem
    set_connection(monkeypatch, "pager", conn_type="apprise", extra={})
    assert "no valid `config`" in failure(PAGER).problem
    set_connection(monkeypatch, "pager", conn_type="apprise", extra={"config": {"path": "nothing"}})
    assert "no URL that Apprise understands" in failure(PAGER).problem
