"""A try that is stopped because its run took longer than its timeout."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from building import a_job

from dag_factory.build.worker.errors import RunTimedOut, WorkerStopped
from dag_factory.build.worker.tries.end import end_try
from dag_factory.build.worker.tries.evidence import without_pod
from dag_factory.build.worker.tries.run_timeout import find_run_timeout
from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.config import model


def context(limit: timedelta | None, ago: float | None) -> dict[str, Any]:
    start = None if ago is None else datetime.now(timezone.utc) - timedelta(seconds=ago)
    ti = SimpleNamespace(try_number=1, max_tries=3, xcom_push=lambda **_: None, dag_id="d", task_id="t", task=None)
    return {"dag": SimpleNamespace(dagrun_timeout=limit), "dag_run": SimpleNamespace(start_date=start), "ti": ti}


@pytest.mark.parametrize(
    ("limit", "ago", "want"),
    [
        (timedelta(hours=6), 6 * 3600 + 2, 21600),
        (timedelta(hours=6), 6 * 3600 - 60, None),
        (timedelta(hours=6), None, None),
        (None, 10**6, None),
    ],
)
def test_the_times_of_the_run_tell_why_the_worker_was_stopped(
    limit: timedelta | None, ago: float | None, want: int | None
) -> None:
    found = find_run_timeout(context(limit, ago))
    assert (found.seconds if found else None) == want


def test_the_last_line_of_the_log_has_the_number_and_no_try_follows(caplog: pytest.LogCaptureFixture) -> None:
    job = a_job(retries=model.Retries(count=3))
    failure = RunTimedOut(21600)
    evidence = without_pod(job, failure)
    end = end_try(context(timedelta(hours=6), 30000), job, evidence, failure)
    assert isinstance(end, TryFailed)
    assert (end.verdict.kind, end.next_try.action) == ("timeout", "fail")
    assert caplog.records[-1].message == (
        "timeout: the run took longer than its timeout of 6h, so Airflow ended it and the pod was deleted."
        " Raise `timeout` of the pipeline, or find out what took so long. No further try, because the run has ended."
    )


def test_any_other_stop_is_not_a_timeout() -> None:
    job = a_job(retries=model.Retries(count=3))
    failure = WorkerStopped()
    end = end_try(context(None, 5), job, without_pod(job, failure), failure)
    assert isinstance(end, TryFailed)
    assert (end.verdict.kind, end.next_try.action) == ("killed", "retry")
