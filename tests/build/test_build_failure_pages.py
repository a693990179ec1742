"""Failures: what the pages show, which settings take effect, and that both come from the platform's files."""

from __future__ import annotations

import msgspec
from building import CARD, SMALL, a_job, a_pipeline, built, task_of

from dag_factory.build.pages.task_page import task_page
from dag_factory.config.model import Alerts, Channel, Flavor, LargerFlavor, Outcome, Retries
from dag_factory.config.units import duration_text

RULE = Retries(
    count=3,
    delay=30,
    backoff="exponential",
    max_delay=600,
    rule="transient",
    on=(
        Outcome(reasons=("OOMKilled",), then="next_flavor"),
        Outcome(reasons=("Evicted", "Shutdown"), then="retry", delay=5),
        Outcome(exit_codes=(64, 65), then="fail"),
    ),
)
GROWING = msgspec.structs.replace(SMALL, next="cpu-medium")
LARGER = tuple(LargerFlavor(flavor=Flavor(name=name)) for name in ("cpu-medium", "cpu-large"))


def test_the_numbers_of_a_retry_rule_take_effect() -> None:
    task = task_of(a_job("main", retries=RULE))
    assert task.retries == 3
    assert task.retry_delay.total_seconds() == 30
    assert task.max_retry_delay.total_seconds() == 600
    assert task.retry_exponential_backoff == 2.0


def test_the_page_of_a_task_shows_what_follows_a_failure() -> None:
    alerts = Alerts(on_failure=("oncall",), on_retry=("chat", "hook"))
    job = a_job("main", flavor=GROWING, retries=RULE, larger_flavors=LARGER, alerts=alerts)
    assert task_page(job).splitlines()[2:] == [
        "Retries: 3, rule `transient`, delay 30s, exponential backoff up to 10m",
        "",
        "After a failure:",
        "",
        "- after `OOMKilled`: retry with a larger flavor: `cpu-medium`, then `cpu-large`",
        "- after `Evicted`, `Shutdown`: retry after 5s",
        "- after exit code 64, exit code 65: no retry",
        "",
        "Alerts:",
        "",
        "- on failure: notify `oncall`",
        "- on retry: notify `chat`, `hook`",
    ]


def test_the_next_flavor_of_a_flavor_needs_a_rule() -> None:
    assert "- the next flavor, `cpu-medium`, is not used" in task_page(a_job(flavor=GROWING))
    assert "after `OOMKilled`" not in task_page(a_job(flavor=GROWING))
    fails = Retries(on=(Outcome(reasons=("OOMKilled",), then="fail"),))
    assert "cpu-medium" not in task_page(a_job(flavor=GROWING, retries=fails))
    assert "retry (no larger flavor)" in task_page(a_job(flavor=CARD, retries=RULE))


def test_the_page_of_a_dag_shows_who_is_notified() -> None:
    channels = (Channel(name="oncall", kind="email", to=("a@example.com",)),)
    pipeline = a_pipeline(deadline=5400, alerts=Alerts(on_deadline=("oncall",)), channels=channels)
    page = built(pipeline).doc_md
    assert "A run must succeed within 1h30m after it is queued (`deadline`)." in page
    assert "\n- on deadline: notify `oncall` (email)\n" in page
    assert "a@example.com" not in page
    off = built(msgspec.structs.replace(pipeline, alerts_enabled=False)).doc_md
    assert "- alerts are off in `prod`" in off
    assert "Without effect" not in built(a_pipeline(alerts_enabled=False)).doc_md


def test_durations() -> None:
    assert [duration_text(seconds) for seconds in (0, 5, 90, 3600, 90061)] == [
        "0s",
        "5s",
        "1m30s",
        "1h",
        "1d1h1m1s",
    ]
