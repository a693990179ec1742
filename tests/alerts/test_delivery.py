"""An alert is stored, sent and removed; one that cannot be sent now is sent later, once."""

from __future__ import annotations

import logging
import time

import msgspec
import pytest
from alert_servers import PLAIN, Mail, Web, set_connection
from test_channels import ALERT, EMAIL, HOOK

from dag_factory.build.alerts import outbox
from dag_factory.build.alerts.deliver import KEEP_SECONDS, deliver, is_due, send_kept
from dag_factory.local.instance import free_port

pytestmark = pytest.mark.usefixtures("api")
LATER = 120  # seconds


def kept() -> list[str]:
    return [one.channel.name for _, one in outbox.all_kept()]


def send_later(after: float = LATER) -> None:
    send_kept(list(outbox.all_kept()), time.time() + after, 10)


def test_an_alert_that_is_sent_is_not_kept(mail: Mail, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dag_factory")
    deliver(ALERT, [EMAIL])
    assert len(mail.received) == 1
    assert kept() == []
    assert f"Alert sent to oncall: email to 2 addresses through 127.0.0.1:{mail.port}" in caplog.messages
    send_later()
    assert len(mail.received) == 1


def test_a_server_that_hangs_delays_nothing_and_gets_the_alert_later(mail: Mail) -> None:
    mail.is_stuck = True
    began = time.monotonic()
    deliver(ALERT, [EMAIL], seconds=0.5)
    assert time.monotonic() - began < 10
    assert (kept(), mail.received) == (["oncall"], [])
    mail.is_stuck = False
    send_later()
    assert kept() == []
    assert mail.received[-1]["Subject"] == "[prod] growth.churn: train failed (out of memory)"


def test_a_slow_channel_does_not_stop_the_others(mail: Mail, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    set_connection(monkeypatch, "my_hook", conn_type="http", host=f"http://127.0.0.1:{web.port}/x")
    mail.is_stuck = True
    deliver(ALERT, [EMAIL, HOOK], seconds=15)
    assert kept() == ["oncall"]
    assert len(web.requests) == 1


def test_a_server_that_refuses_gets_the_alert_later(mail: Mail, caplog: pytest.LogCaptureFixture) -> None:
    mail.answer = "451 try again"
    deliver(ALERT, [EMAIL])
    assert kept() == ["oncall"]
    assert any(line.startswith("Alert not sent to oncall: ") and "sent later" in line for line in caplog.messages)
    send_later(after=0)  # the process that stored it may still be at work
    assert kept() == ["oncall"]
    mail.answer = "250 OK"
    send_later()
    assert (kept(), len(mail.received)) == ([], 1)


def test_the_same_incident_is_kept_once(mail: Mail) -> None:
    mail.answer = "451 try again"
    deliver(ALERT, [EMAIL])
    deliver(ALERT, [EMAIL])
    deliver(msgspec.structs.replace(ALERT, clear=1), [EMAIL])
    assert kept() == ["oncall", "oncall"]


def test_a_channel_that_fails_is_tried_once_in_a_run_and_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_connection(monkeypatch, "smtp_default", conn_type="smtp", host="127.0.0.1", port=free_port(), extra=PLAIN)
    for job in ("a", "b"):
        deliver(msgspec.structs.replace(ALERT, job=job), [EMAIL])
    caplog.clear()
    send_later()
    assert len([line for line in caplog.messages if "it is kept" in line]) == 1
    (tried,) = (one for _, one in outbox.all_kept() if one.tries)
    assert "cannot connect" in tried.error
    caplog.clear()
    send_kept(list(outbox.all_kept()), tried.last_try + 1, 10, all_now=True)  # somebody starts a run by hand
    assert len([line for line in caplog.messages if "it is kept" in line]) == 1
    now = tried.last_try
    assert [is_due(tried, now + 200), is_due(tried, now + 300)] == [False, True]
    often = msgspec.structs.replace(tried, tries=20)
    assert [is_due(often, now + 3000), is_due(often, now + 3600)] == [False, True]


def test_an_alert_is_given_up_after_three_days(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    set_connection(monkeypatch, "smtp_default", conn_type="smtp", host="127.0.0.1", port=free_port(), extra=PLAIN)
    deliver(ALERT, [EMAIL])
    send_later(KEEP_SECONDS + 60)
    assert kept() == []
    assert any(line.startswith("Alert given up for oncall after 3 days") for line in caplog.messages)


def test_a_laptop_keeps_no_alert_for_a_missing_connection(caplog: pytest.LogCaptureFixture) -> None:
    deliver(msgspec.structs.replace(ALERT, environment="local"), [EMAIL])
    assert kept() == []
    (line,) = caplog.messages
    assert line.startswith("Alert not sent to oncall: the Airflow connection `smtp_default` does not exist (create it:")
    deliver(ALERT, [EMAIL])
    assert kept() == ["oncall"]


def test_an_entry_that_cannot_be_read_is_removed() -> None:
    from airflow.sdk import Variable

    Variable.set(f"{outbox.PREFIX}x", "{")
    assert kept() == []
    assert list(Variable.keys(prefix=outbox.PREFIX)) == []


def test_failures_are_remembered_until_the_next_success() -> None:
    assert not outbox.forget_failure("growth.churn", "train")
    outbox.remember_failure("growth.churn", "train")
    assert not outbox.forget_failure("growth.churn", "")
    assert outbox.forget_failure("growth.churn", "train")
    assert not outbox.forget_failure("growth.churn", "train")


def test_marks_are_removed_after_a_week() -> None:
    from airflow.sdk import Variable

    assert outbox.is_first("growth.churn", "run", "train")
    assert not outbox.is_first("growth.churn", "run", "train")
    outbox.remove_old_marks(time.time() + 1000)
    assert not outbox.is_first("growth.churn", "run", "train")
    outbox.remove_old_marks(time.time() + outbox.MARK_SECONDS + 60)
    assert list(Variable.keys(prefix=outbox.REPORTED_PREFIX)) == []
