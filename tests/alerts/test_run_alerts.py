"""The alerts at the end of a run: counts of mapped jobs, jobs that reported nothing, and no failure twice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.serde import serialize
from alert_servers import Facts, Mail

from dag_factory.build.alerts.evidence import Evidence, push
from dag_factory.build.alerts.run_alerts import run_ended
from dag_factory.config.model import Alerts, Channel, Cluster, Flavor, ForEach, Job, Links, Pipeline


def as_stored(evidence: Evidence) -> Any:
    """The XCom of a task that failed, as Airflow stores it."""
    pushed: dict[str, Any] = {}
    push(SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value})), evidence)
    return serialize(pushed["failure"])


ONCALL, CHAT = ("oncall",), ("chat",)
BOTH = (*ONCALL, *CHAT)
CHANNELS = tuple(Channel(name=name, kind="email", to=(f"{name}@example.com",)) for name in BOTH)
FAILED = as_stored(Evidence(sentence="exit code 3", kind="exit-code", lines=("last line",)))


def job(name: str, mapped: bool = False, **alerts: tuple[str, ...]) -> Job:
    each = ForEach(items=(1, 2)) if mapped else None
    return Job(name=name, flavor=Flavor(name="small"), image="a", for_each=each, alerts=Alerts(**alerts), line=12)


def end(*jobs: Job, failed: bool = True, reason: str = "task_failure", **alerts: tuple[str, ...]) -> None:
    pipeline = Pipeline(
        id="growth.churn",  # type: ignore[arg-type]
        team="growth",
        name="churn",
        file="configs/pipelines/growth/churn.yaml",
        environment="prod",
        cluster=Cluster(),
        jobs=jobs,
        start_date="2026-01-01",
        alerts=Alerts(**alerts),
        channels=CHANNELS,
        timeout=7200,
        links=Links(source="https://git.example.com/main/{path}#L{line}"),
    )
    run_ended(pipeline, {"run_id": "r", "reason": reason}, failed)


def subjects(mail: Mail) -> dict[str, list[str]]:
    """The subjects by receiver, without environment and pipeline."""
    found: dict[str, list[str]] = {}
    for one in mail.received:
        text = one["Subject"].removeprefix("[prod] growth.churn").removeprefix(": ").strip()
        found.setdefault(one["To"].partition("@")[0], []).append(text)
    return found


def text(mail: Mail, index: int = 0) -> str:
    part: Any = next(mail.received[index].iter_parts())
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_mapped_job_counts_its_failures(api: Facts, mail: Mail) -> None:
    api.states = {("score", index): "failed" if index in (3, 5, 7) else "success" for index in range(10)}
    api.states[("score_3", -1)] = "failed"  # another job, which Airflow names as an instance of this one
    for index in (3, 5, 7):
        api.xcoms[("score", index, "failure")] = FAILED
    end(job("score", mapped=True, on_failure=ONCALL), job("score_3"))
    assert subjects(mail) == {"oncall": ["score failed (3 of 10 mapped tasks failed)"]}
    assert "3 of 10 mapped tasks failed: exit code 3" in text(mail)
    assert "  last line\n" in text(mail)
    assert "/tasks/score/mapped/3" in text(mail)
    assert "https://git.example.com/main/configs/pipelines/growth/churn.yaml#L12" in text(mail)


def test_a_failure_in_a_run_that_succeeds_is_reported(api: Facts, mail: Mail) -> None:
    api.states = {("score", 0): "failed", ("score", 1): "success"}
    end(job("score", mapped=True, on_failure=ONCALL), failed=False)
    assert subjects(mail) == {"oncall": ["score failed (1 of 2 mapped tasks failed)"]}


def test_the_run_reports_a_job_that_could_not(api: Facts, mail: Mail) -> None:
    api.states = {("train", -1): "failed", ("report", -1): "failed"}
    api.xcoms[("report", -1, "alert")] = ["prod/growth.churn/r/report/on_failure/0/0"]
    jobs = (job("train", on_failure=ONCALL), job("report", on_failure=ONCALL))
    end(*jobs)
    end(*jobs)  # Airflow may call it again
    assert subjects(mail) == {"oncall": ["train failed (killed)"]}
    assert "this try was ended from outside" in text(mail)


def test_a_channel_with_an_alert_about_each_failed_job_gets_none_about_the_run(api: Facts, mail: Mail) -> None:
    api.states = {("train", -1): "failed", ("report", -1): "upstream_failed"}
    api.xcoms[("train", -1, "alert")] = ["prod/growth.churn/r/train/on_failure/0/0"]
    api.xcoms[("train", -1, "failure")] = FAILED
    end(job("train", on_failure=ONCALL), job("report"), on_failure=BOTH)
    assert subjects(mail) == {"chat": ["failed (train: exit code)"]}
    assert "train: exit code 3" in text(mail)


def test_several_failed_jobs_are_one_alert_of_the_run(api: Facts, mail: Mail) -> None:
    api.states = {("a", -1): "failed", ("b", -1): "failed", ("c", -1): "success"}
    api.xcoms[("a", -1, "failure")] = FAILED
    end(job("a"), job("b"), job("c"), on_failure=ONCALL)
    assert subjects(mail) == {"oncall": ["failed (a, b)"]}
    assert "2 jobs failed\n- a: exit code 3\n" in text(mail)
    assert "- c" not in text(mail)


def test_a_run_that_took_too_long(api: Facts, mail: Mail) -> None:
    api.states = {("a", -1): "skipped"}
    end(job("a"), on_failure=ONCALL, reason="timed_out")
    assert subjects(mail) == {"oncall": ["failed (timed out)"]}
    assert "the run took longer than its timeout of 2h" in text(mail)


def test_the_first_success_after_a_failure(api: Facts, mail: Mail) -> None:
    score = job("score", mapped=True, on_recovery=CHAT)
    api.states = {("score", 0): "failed"}
    end(score, on_recovery=ONCALL)
    assert subjects(mail) == {}
    api.states = {("score", 0): "success"}
    end(score, failed=False, on_recovery=ONCALL)
    end(score, failed=False, on_recovery=ONCALL)
    assert subjects(mail) == {"chat": ["score succeeded after a failure"], "oncall": ["succeeded after a failure"]}


def test_successes(api: Facts, mail: Mail) -> None:
    api.states = {("score", 0): "success", ("score", 1): "success"}
    end(job("score", mapped=True, on_success=CHAT), failed=False, on_success=ONCALL)
    assert subjects(mail) == {"chat": ["score succeeded"], "oncall": ["succeeded"]}


@pytest.mark.parametrize("state", ["skipped", "upstream_failed"])
def test_a_mapped_job_that_did_not_run_sends_nothing(api: Facts, mail: Mail, state: str) -> None:
    api.states = {("score", -1): state}
    end(job("score", mapped=True, on_failure=CHAT, on_success=CHAT))
    assert subjects(mail) == {}
