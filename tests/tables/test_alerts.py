"""Channels, alerts and the deadline of a pipeline."""

from __future__ import annotations

import pytest
from table_project import MINIMAL, PIPELINE

from dag_factory.config.model import Alerts, Channel

CHANNELS = """\
version: 1
channels:
  oncall: {email: {to: [oncall@example.com, "${{ vars.lead }}"]}}
  chat: {slack: {connection: slack_ml, channel: "#ml"}}
  hook: {webhook: {connection: my_hook}}
  pager: {apprise: {connection: pager, tag: oncall}}
  broken: {webhook: {url: x}}
"""
PROJECT = MINIMAL.with_files(alerts=CHANNELS, environments__dev="version: 1\nvars: {lead: lead@example.com}\n")
BROKEN = [
    "missing-key alerts.yaml:7:21 channels.broken.webhook",
    "unknown-key alerts.yaml:7:22 channels.broken.webhook.url",
]


def test_alerts_of_a_pipeline_and_its_jobs() -> None:
    flow = """\
version: 1
defaults: {docker_image: i, resource_flavor: small, alerts: {on_failure: [oncall], on_retry: [chat]}}
deadline: 1h30m
alerts: {on_failure: [chat, oncall], on_deadline: [hook], on_recovery: [pager]}
jobs:
  a: {}
  b: {alerts: {on_failure: [], on_success: [chat]}}
  c: {alerts: null}
"""
    (pipeline,) = PROJECT.with_files(pipelines__team__flow=flow).compile().pipelines
    assert pipeline.deadline == 5400
    assert pipeline.alerts == Alerts(on_failure=("chat", "oncall"), on_deadline=("hook",), on_recovery=("pager",))
    assert [job.alerts for job in pipeline.jobs] == [
        Alerts(on_failure=("oncall",), on_retry=("chat",)),
        Alerts(on_success=("chat",), on_retry=("chat",)),
        Alerts(),
    ]
    assert pipeline.channels == (
        Channel(name="chat", kind="slack", connection="slack_ml", channel="#ml"),
        Channel(name="hook", kind="webhook", connection="my_hook"),
        Channel(name="oncall", kind="email", to=("oncall@example.com", "lead@example.com")),
        Channel(name="pager", kind="apprise", connection="pager", tag="oncall"),
    )
    assert "on_deadline: [hook]" in pipeline.resolved


def test_environment_has_defaults_and_can_disable_alerts() -> None:
    dev = """\
version: 1
vars: {lead: lead@example.com}
alerts: {enabled: false}
defaults: {pipeline: {deadline: 2h, alerts: {on_failure: [oncall]}}, job: {alerts: {on_retry: [chat]}}}
"""
    (pipeline,) = PROJECT.with_files(environments__dev=dev).compile().pipelines
    assert pipeline.alerts_enabled is False
    assert pipeline.deadline == 7200
    assert pipeline.alerts.on_failure == ("oncall",)
    assert pipeline.jobs[0].alerts.on_retry == ("chat",)
    assert PROJECT.compile().pipelines[0].alerts_enabled is True


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("alerts: {on_failure: [oncal]}", ["unknown-channel flow.yaml:3:23 alerts.on_failure[0]"]),
        ("alerts: {on_failure: [chat, broken]}", ["broken-channel flow.yaml:3:29 alerts.on_failure[1]"]),
        ("jobs: {a: {alerts: {on_retry: [x]}}}", ["unknown-channel flow.yaml:3:32 jobs.a.alerts.on_retry[0]"]),
        ("environments: {dev: {alerts: {on_retry: [x]}}}",
         ["unknown-channel flow.yaml:3:42 environments.dev.alerts.on_retry[0]"]),
        ("alerts: {on_deadline: [chat]}", ["no-deadline flow.yaml:3:23 alerts.on_deadline"]),
        ("jobs: {a: {alerts: {on_deadline: [chat]}}}", ["no-deadline flow.yaml:3:34 jobs.a.alerts.on_deadline"]),
        ("alerts: {on_deadline: []}", []),
    ],
)  # fmt: skip
def test_errors_in_alerts(text: str, problems: list[str]) -> None:
    found = PROJECT.with_files(pipelines__team__flow=PIPELINE + text + "\n")
    assert found.problems() == [*problems, *BROKEN]


@pytest.mark.parametrize(
    ("text", "seconds", "by"),
    [
        ("2h", 7200, None),
        ("{after: 90m}", 5400, None),
        ('{by: "07:00"}', None, "07:00"),
        ("{by: 18:30}", None, "18:30"),
        ("null", None, None),
    ],
)
def test_deadline_is_a_duration_or_a_time_of_day(text: str, seconds: int | None, by: str | None) -> None:
    flow = PIPELINE + f"deadline: {text}\nalerts: {{on_deadline: [chat]}}\n"
    found = PROJECT.with_files(pipelines__team__flow=flow)
    (pipeline,) = found.compile().pipelines
    assert (pipeline.deadline, pipeline.deadline_by) == (seconds, by)
    assert ("no-deadline flow.yaml:4:23 alerts.on_deadline" in found.problems()) is (text == "null")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("90", "bad-deadline flow.yaml:3:11 deadline"),
        ("soon", "bad-duration flow.yaml:3:11 deadline"),
        ("0m", "bad-duration flow.yaml:3:11 deadline"),
        ("{after: 0h0m}", "bad-duration flow.yaml:3:19 deadline.after"),
        ("{after: null}", "bad-duration flow.yaml:3:19 deadline.after"),
        ("{by: 7am}", "bad-time flow.yaml:3:16 deadline.by"),
        ("{by: 7:00}", "bad-time flow.yaml:3:16 deadline.by"),
        ("{by: 24:00}", "bad-time flow.yaml:3:16 deadline.by"),
        ("{by: 0700}", "bad-time flow.yaml:3:16 deadline.by"),
        ("{}", "bad-deadline flow.yaml:3:11 deadline"),
        ("{at: 07:00}", "unknown-key flow.yaml:3:12 deadline.at"),
        ("{after: 2h, by: 07:00}", "bad-deadline flow.yaml:3:11 deadline"),
    ],
)
def test_errors_in_deadlines(text: str, problem: str) -> None:
    found = PROJECT.with_files(pipelines__team__flow=PIPELINE + f"deadline: {text}\n")
    assert found.problems() == [problem, *BROKEN]


def test_deadline_of_the_environment_is_replaced_as_a_whole() -> None:
    dev = "version: 1\nvars: {lead: lead@example.com}\ndefaults: {pipeline: {deadline: {by: 07:00}}}\n"
    project = PROJECT.with_files(environments__dev=dev)
    assert project.compile().pipelines[0].deadline_by == "07:00"
    (pipeline,) = project.with_files(pipelines__team__flow=PIPELINE + "deadline: {after: 1h}\n").compile().pipelines
    assert (pipeline.deadline, pipeline.deadline_by) == (3600, None)


@pytest.mark.parametrize("key", ["timeout", "jobs.a.timeout", "jobs.a.startup_timeout", "jobs.a.schedule_timeout"])
def test_time_limits_are_longer_than_zero(key: str) -> None:
    text = f"{key}: 0m" if key == "timeout" else f"jobs: {{a: {{{key.removeprefix('jobs.a.')}: 0m}}}}"
    (problem, *rest) = PROJECT.with_files(pipelines__team__flow=PIPELINE + text + "\n").problems()
    assert (problem.split()[0], problem.split()[2], rest) == ("bad-duration", key, BROKEN)


@pytest.mark.parametrize("limit", ["timeout", "min_schedule_interval"])
def test_limits_of_the_platform_are_longer_than_zero(limit: str) -> None:
    dev = f"version: 1\nvars: {{lead: lead@example.com}}\nlimits: {{{limit}: 0s}}\n"
    assert any(one.startswith("bad-duration") for one in PROJECT.with_files(environments__dev=dev).problems())


def test_missing_or_unreadable_table() -> None:
    flow = PIPELINE + "alerts: {on_failure: [oncall]}\n"
    missing = MINIMAL.with_files(pipelines__team__flow=flow)
    assert missing.problems() == ["unknown-channel flow.yaml:3:23 alerts.on_failure[0]"]
    assert "create configs/platform/alerts.yaml" in missing.messages()
    unreadable = MINIMAL.with_files(
        pipelines__team__flow=flow, pipelines__team__other=PIPELINE, alerts="channels: {}\n"
    )
    assert "broken-table" not in " ".join(unreadable.problems())
    unreadable = unreadable.with_files(alerts="version: 1\nversion: 1: 1\n")
    assert "broken-table flow.yaml:3:23 alerts.on_failure[0]" in unreadable.problems()
    assert list(unreadable.pipelines()) == ["team.other"]


def test_table_contains_no_secrets() -> None:
    message = MINIMAL.with_files(alerts="version: 1\nchannels: {a: {webhook: {url: x, connection: c}}}\n").messages()
    assert "use `connection`: it names the Airflow connection that holds the URL" in message
