"""Airflow's question after a failed try: is there a next one, and when? The verdict has the answer already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import RetryDecision
from airflow.sdk import RetryPolicy as AirflowRetryPolicy

from dag_factory.build.worker.try_failed import TryFailed


class RetryPolicy(AirflowRetryPolicy):
    """Follows ``next_try`` of a try that ended with a verdict. Airflow decides about every other failure."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Return the decision. Airflow still limits the tries to the task's ``retries``."""
        if not isinstance(exception, TryFailed):
            return RetryDecision.default()
        next_try = exception.next_try
        if next_try.action == "fail":
            return RetryDecision.fail()
        delay = next_try.delay
        return RetryDecision.retry(None if delay is None else timedelta(seconds=delay))


RETRY_POLICY = RetryPolicy()
"""The policy of all tasks. Airflow stores only that a task has one."""
