"""What follows a failed try: the rule of the job, applied to the verdict.

The first rule that holds decides:

1. The first entry of ``on`` that matches says ``fail``: no try follows.
2. The failure is not the job's own (evicted, preempted, node lost, quota): the same try is repeated and uses no retry.
   This also holds for a job without retries. It ends after ``MOST_RESCHEDULES``; then the failure uses a retry.
3. No entry matches, and every further try would fail in the same way: no try follows.
4. No retries are left: no try follows.
5. The entry says ``next_flavor`` and the job's own container ran out of memory: the next try uses the larger flavor.
6. Otherwise the try is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from dag_factory.config.model import LargerFlavor, Outcome, Retries
from dag_factory.config.pod.final_pod import BASE
from dag_factory.config.units import size_text
from dag_factory.verdicts.delays import DEFAULT_DELAY, delay_text, reschedule_delay, retry_delay
from dag_factory.verdicts.history import History
from dag_factory.verdicts.verdict import Verdict

MOST_RESCHEDULES = 10
"""How often a task is repeated without using one of its retries."""


class NextTry(msgspec.Struct, frozen=True, kw_only=True):
    """What follows a failed try.

    ``retry`` uses one of the job's retries, ``reschedule`` does not. ``delay`` in seconds; None if no try follows.
    ``flavor`` is the flavor of the next try, if it differs from the flavor of this one. ``sentence`` completes
    the verdict: ``Next try: cpu-medium (4 CPU, 16Gi) in 30 s (rule transient, entry 1)``.
    """

    action: Literal["retry", "reschedule", "fail"]
    sentence: str
    delay: int | None = None
    flavor: str = ""


def choose_next_try(
    verdict: Verdict,
    rule: Retries,
    history: History,
    retries_left: int,
    *,
    larger: Sequence[LargerFlavor] = (),
    largest_because: str = "",
    default_delay: int = DEFAULT_DELAY,
) -> NextTry:
    """Choose what follows a try that failed with ``verdict``. ``history`` does not contain this try yet.

    ``larger`` are the flavors after the job's own, and ``largest_because`` says why there are no more of them.
    ``default_delay`` is the delay in seconds if the rule sets none.
    """
    number, entry = find_entry(verdict, rule)
    source = _source(rule, number)
    if entry is not None and entry.then == "fail":
        return NextTry(action="fail", sentence=f"No further try{_note(source)}")
    reschedules = not verdict.uses_retry
    if reschedules and history.reschedules < MOST_RESCHEDULES:
        delay = reschedule_delay(rule, entry, history.reschedules)
        again = _again(history.flavor, larger)
        text = f"Next try{again} in {delay_text(delay)}, without using a retry{_note(source)}"
        return NextTry(action="reschedule", sentence=text, delay=delay)
    if entry is None and verdict.is_final:
        return NextTry(action="fail", sentence="No further try, because it would fail in the same way")
    why = f"after {MOST_RESCHEDULES} tries that used no retry" if reschedules else ""
    if retries_left <= 0:
        return NextTry(action="fail", sentence=_no_retries(rule, entry, why))
    delay = retry_delay(rule, entry, retries_left, default_delay)
    if entry is not None and entry.then == "next_flavor":
        step, why_not = _climb(verdict, history.flavor, larger, largest_because)
        if step is not None:
            text = f"Next try: {_named(step)} in {delay_text(delay)}{_note(source)}"
            return NextTry(action="retry", sentence=text, delay=delay, flavor=step.flavor.name)
        why = why or why_not
    text = f"Next try{_again(history.flavor, larger)} in {delay_text(delay)}{_note(source, why)}"
    return NextTry(action="retry", sentence=text, delay=delay)


def find_entry(verdict: Verdict, rule: Retries) -> tuple[int, Outcome | None]:
    """The first entry of the rule that matches, and its number from 1; (0, None) without one.

    An exit code matches only if the job's own container ended with it by itself.
    """
    code = verdict.exit_code if verdict.container == BASE else None
    for number, entry in enumerate(rule.on, start=1):
        if not set(entry.reasons).isdisjoint(verdict.reasons) or code in entry.exit_codes:
            return number, entry
    return 0, None


def verdict_line(verdict: Verdict, next_try: NextTry | None) -> str:
    """The last line of the log of a failed try: sentence, advice, and what follows."""
    follows = f"{next_try.sentence}." if next_try else ""
    return " ".join(filter(None, (f"{verdict.sentence}.", what_to_do(verdict, next_try), follows)))


def what_to_do(verdict: Verdict, next_try: NextTry | None = None) -> str:
    """The advice as a sentence, or an empty string.

    There is no advice if the next try already does what would be advised: it uses a larger flavor.
    """
    if not verdict.advice or (next_try is not None and next_try.flavor):
        return ""
    return f"{verdict.advice[:1].upper()}{verdict.advice[1:]}."


def _climb(
    verdict: Verdict, flavor: str, larger: Sequence[LargerFlavor], largest_because: str
) -> tuple[LargerFlavor | None, str]:
    """The flavor after ``flavor`` (empty: the job's own); None and the reason if the next try cannot use it."""
    if verdict.kind != "out-of-memory":
        return None, "no larger flavor, because memory was not the reason"
    if verdict.container != BASE:
        return None, f"no larger flavor, because it would not change the container `{verdict.container}`"
    names = [one.flavor.name for one in larger]
    position = names.index(flavor) + 1 if flavor in names else 0
    if position < len(larger):
        return larger[position], ""
    return None, f"no larger flavor: {largest_because}" if largest_because else "no larger flavor is defined"


def _no_retries(rule: Retries, entry: Outcome | None, why: str) -> str:
    if rule.count:
        used = "the only retry is used" if rule.count == 1 else f"all {rule.count} retries are used"
        return f"No further try: {used}" + (f", {why}" if why else "")
    climbs = ", and a larger flavor needs one" if entry is not None and entry.then == "next_flavor" else ""
    return f"No further try: the job has no retries{climbs}" + (f", {why}" if why else "")


def _again(flavor: str, larger: Sequence[LargerFlavor]) -> str:
    """The raised flavor, which the next try keeps."""
    step = next((one for one in larger if one.flavor.name == flavor), None)
    return f": {_named(step)} again" if step else ""


def _named(step: LargerFlavor) -> str:
    size = size_text(step.flavor.limits or step.flavor.requests)
    return f"{step.flavor.name} ({size})" if size else step.flavor.name


def _source(rule: Retries, number: int) -> str:
    """What decided: ``rule transient, entry 1``. A job's own rule has no name."""
    parts = [f"rule {rule.rule}" if rule.rule else "", f"entry {number}" if number else ""]
    return ", ".join(part for part in parts if part)


def _note(*parts: str) -> str:
    found = "; ".join(part for part in parts if part)
    return f" ({found})" if found else ""
