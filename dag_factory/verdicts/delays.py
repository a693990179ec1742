"""How long to wait before the next try, in seconds.

Airflow adds up to 100 % to a delay that grows. These delays are exact, so that the log of a failed try can say when the
next one starts; Airflow gets them from the retry policy.
"""

from __future__ import annotations

from dag_factory.config.model import Outcome, Retries

DEFAULT_DELAY = 300
"""Airflow's default for the delay of retries."""
RESCHEDULE_DELAY = 30
"""Before a try that uses no retry, if the rule sets no delay."""
SHORTEST_RESCHEDULE_DELAY = 10
"""Before a try that uses no retry. The executor may report the end of the process a few seconds late. If the same try
is queued again by then, the scheduler takes the report for its end (Airflow 3.3)."""
LONGEST_RESCHEDULE_DELAY = 600
LONGEST_DELAY = 24 * 60 * 60
"""Airflow's longest delay."""


def retry_delay(rule: Retries, entry: Outcome | None, retries_left: int, default: int) -> int:
    """The delay of the entry, or else that of the rule, which may double with each retry."""
    if entry is not None and entry.delay is not None:
        return entry.delay
    delay = default if rule.delay is None else rule.delay
    if rule.backoff != "exponential":
        return delay
    return _doubled(delay, rule.count - retries_left, LONGEST_DELAY if rule.max_delay is None else rule.max_delay)


def reschedule_delay(rule: Retries, entry: Outcome | None, reschedules: int) -> int:
    """The delay of the entry, or else one that doubles each time: the cluster may need longer than a few minutes."""
    if entry is not None and entry.delay is not None:
        return max(entry.delay, SHORTEST_RESCHEDULE_DELAY)
    delay = RESCHEDULE_DELAY if rule.delay is None else rule.delay
    longest = max(delay, LONGEST_RESCHEDULE_DELAY) if rule.max_delay is None else rule.max_delay
    return max(_doubled(delay, reschedules, longest), SHORTEST_RESCHEDULE_DELAY)


def delay_text(seconds: int) -> str:
    """``30 s``, ``2 min 10 s``, ``1 h 30 min``."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    words = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return " ".join(words[:2]) or "0 s"


def _doubled(delay: int, times: int, longest: int) -> int:
    return int(min(max(delay, 1) * 2 ** min(max(times, 0), 30), longest))
