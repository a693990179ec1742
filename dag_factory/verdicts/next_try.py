"""What follows a failed try: the rule of the job, applied to the verdict."""

from __future__ import annotations

from typing import Literal

import msgspec

from dag_factory.config.model import Outcome, Retries
from dag_factory.verdicts.history import History
from dag_factory.verdicts.verdict import Verdict

MOST_RESCHEDULES = 10
"""How often a task is repeated without using one of its retries."""


class NextTry(msgspec.Struct, frozen=True, kw_only=True):
    """What follows a failed try.

    ``retry`` uses one of the job's retries, ``reschedule`` does not. ``delay`` in seconds; None means the delay of the
    rule. ``flavor`` is the flavor of the next try, if it differs from the flavor of this one. ``sentence`` completes
    the verdict: ``Next try: cpu-medium (4 CPU, 16Gi) in 30 s (rule transient, entry 1)``.
    """

    action: Literal["retry", "reschedule", "fail"]
    sentence: str
    delay: int | None = None
    flavor: str = ""


def choose_next_try(verdict: Verdict, rule: Retries, history: History, retries_left: int) -> NextTry:
    """Choose what follows a try that failed with ``verdict``. ``history`` does not contain this try yet."""
    number, entry = find_entry(verdict, rule)
    if entry is not None and entry.then == "fail":
        return NextTry(action="fail", sentence=f"No further try (rule {rule.rule}, entry {number})")
    if not verdict.uses_retry and history.reschedules < MOST_RESCHEDULES:
        return NextTry(action="reschedule", sentence="The next try does not use a retry", delay=rule.delay)
    if retries_left <= 0:
        return NextTry(action="fail", sentence="No retries are left" if rule.count else "The job has no retries")
    return NextTry(action="retry", sentence="A next try follows", delay=entry.delay if entry else None)


def find_entry(verdict: Verdict, rule: Retries) -> tuple[int, Outcome | None]:
    """The first entry of the rule that matches, and its number from 1; (0, None) without one."""
    for number, entry in enumerate(rule.on, start=1):
        if not set(entry.reasons).isdisjoint(verdict.reasons) or verdict.exit_code in entry.exit_codes:
            return number, entry
    return 0, None


def verdict_line(verdict: Verdict, next_try: NextTry | None) -> str:
    """The last line of the log of a failed try: sentence, advice, and what follows."""
    advice = verdict.advice[:1].upper() + verdict.advice[1:]
    return " ".join(f"{text}." for text in (verdict.sentence, advice, next_try.sentence if next_try else "") if text)
