"""Texts of an alert: one line in subjects, masked, bounded, without control characters."""

from __future__ import annotations

import msgspec
from test_channels import ALERT

from dag_factory.build.alerts.alert import FailedJob
from dag_factory.build.alerts.channels.slack import slack_text
from dag_factory.build.alerts.render import LONGEST_SUBJECT, render
from dag_factory.build.alerts.text import LONGEST_LINE, log_lines, one_line, without_urls
from dag_factory.config.model import EnvVar, Flavor, Job
from dag_factory.verdicts.history import TryRecord


def test_a_name_cannot_add_a_header_to_an_email() -> None:
    alert = msgspec.structs.replace(ALERT, summary="a\r\nBcc: b@example.com\n\nbody\u2028x")
    subject = render(alert).subject
    assert subject == "[prod] growth.churn: train failed (a Bcc: b@example.com body x)"
    assert len(render(msgspec.structs.replace(ALERT, summary="long " * 1000)).subject) == LONGEST_SUBJECT


def test_the_last_lines_of_a_log_are_bounded_and_plain() -> None:
    lines = log_lines([*(f"line {number}" for number in range(30)), "\x1b[31mred\x1b[0m\x00\tend", "x" * 10_000])
    assert (lines[0], len(lines)) == ("line 12", 20)
    assert lines[-2].split() == ["red", "end"]
    assert (len(lines[-1]), lines[-1][-1]) == (LONGEST_LINE, "…")


def test_values_of_variables_with_secret_names_are_masked() -> None:
    env = (EnvVar(name="DB_PASSWORD", value="correct-horse"), EnvVar(name="STAGE", value="production"))
    job = Job(name="a", flavor=Flavor(name="small"), image="a", env=env)
    assert log_lines(["correct-horse in production"], job) == ("*** in production",)


def test_a_long_alert_stays_small() -> None:
    tries = tuple(TryRecord(number=number, flavor="cpu-small", sentence="s" * 700) for number in range(100))
    failed = tuple(FailedJob(name=f"job-{number}", sentence="s" * 700) for number in range(20))
    alert = msgspec.structs.replace(ALERT, tries=tries, failed=failed, log_lines=("x" * LONGEST_LINE,) * 20)
    message = render(alert)
    assert len(message.text) < 60_000
    assert "try 99" in message.text
    assert "try 79" not in message.text
    assert len(slack_text(message)) < 4_000


def test_html_escapes_everything() -> None:
    alert = msgspec.structs.replace(ALERT, sentence="<script>alert(1)</script>", owner="<b>")
    html = render(alert).html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html


def test_slack_reads_no_mention_in_a_text() -> None:
    text = slack_text(render(msgspec.structs.replace(ALERT, sentence="<!channel> & co")))
    assert "&lt;!channel&gt; &amp; co" in text


def test_errors_have_no_urls() -> None:
    assert without_urls("cannot post to https://hooks.example.com/T0/secret (404)") == "cannot post to <url> (404)"
    assert one_line(" a\n b\x07 ") == "a b"
