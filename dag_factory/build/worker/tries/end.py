"""The end of a failed try: from the evidence to the verdict, the next try, the record, and the last line of the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException

from dag_factory.build.worker.errors import KnownFailure, PodRefused, RunTimedOut, TriggerFailed
from dag_factory.build.worker.tries import metrics, records
from dag_factory.build.worker.tries.evidence import without_pod
from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.config.model import Job, Retries
from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.delays import DEFAULT_DELAY
from dag_factory.verdicts.evidence.model import Evidence
from dag_factory.verdicts.history import History, TryRecord, add_try
from dag_factory.verdicts.next_try import NextTry, choose_next_try, verdict_line
from dag_factory.verdicts.verdict import Verdict

_LOG = logging.getLogger(__name__)

SHOWN_LINES = 20
"""Lines of the container's log that are repeated above the verdict if they are not there already."""


def end_try(
    context: Any,
    job: Job | None,
    evidence: Evidence,
    failure: BaseException | None,
    lines: Sequence[str] = (),
    *,
    log: Any = _LOG,
    advise: Callable[[str], str] | None = None,
    open_groups: int = 0,
) -> TryFailed | AirflowRescheduleException:
    """Report a failed try. Returns the exception that the operator raises as the end of the try.

    ``failure`` is the exception that ended the try; None if the container failed. ``lines`` are the last lines of the
    container that are not in the log of the task yet. ``advise`` says what to write in the YAML file if the next try
    uses a larger flavor; its argument is that flavor.
    ``open_groups``: the groups of the log that are open here; Airflow's UI hides what is inside.
    """
    ti = context["ti"]
    verdict = decide(evidence)
    history = records.load(context)
    next_try = _next_try(verdict, job, history, failure, context)
    record = records.make_record(ti.try_number, job, evidence.pod, verdict, next_try)
    if advice := advise(next_try.flavor) if advise is not None and next_try.flavor else "":
        record = msgspec.structs.replace(record, advice=advice)
    history = _report(context, history, record, next_try)
    for _ in range(open_groups):
        log.info("::endgroup::")
    if verdict.kind == "unknown" and failure is not None:
        _log_frames(log, failure)
    for line in lines[-SHOWN_LINES:]:
        if "group::" not in line:  # a mark for Airflow's UI, which would hide what follows
            log.info("%s", line)
    if advice:
        log.warning("%s.", advice)
    log.error("%s", verdict_line(verdict, next_try))
    if next_try.action == "reschedule":
        start = datetime.now(timezone.utc) + timedelta(seconds=next_try.delay or 0)
        return AirflowRescheduleException(start)  # type: ignore[no-untyped-call]
    return TryFailed(verdict, next_try, history, evidence.log)


def lines_to_show(failure: BaseException, evidence: Evidence, shown: Sequence[str]) -> Sequence[str]:
    """Return the lines that belong above the verdict and are not there yet. ``shown`` are the last ones in the log."""
    if isinstance(failure, PodRefused):
        lines = str(failure).splitlines()
        return lines if len(lines) > 2 else ()
    return () if tuple(shown) == evidence.log else evidence.log


def end_before_pod(context: Any, job: Job | None, verdict: Verdict, log: Any = _LOG) -> TryFailed:
    """Report a try that fails without a pod, and is not repeated. Returns the exception to raise.

    The operator has not run, so Airflow's first group of the log is open.
    """
    next_try = NextTry(action="fail", sentence="No further try, because it would fail in the same way")
    record = records.make_record(context["ti"].try_number, job, None, verdict, next_try)
    history = _report(context, records.load(context), record, next_try)
    log.info("::endgroup::")
    log.error("%s", verdict_line(verdict, next_try))
    return TryFailed(verdict, next_try, history)


def end_by_fault(context: Any, failure: KnownFailure) -> TryFailed:
    """Report a try that fails without a pod because of a fault in the files. Returns the exception to raise."""
    job = getattr(context["task"], "job", None)
    model = job.model if job else None
    return end_before_pod(context, model, decide(without_pod(model, failure)))


def end_success(context: Any, job: Job | None, pod: Any, log: Any = _LOG) -> None:
    """Store the record of a try that succeeded."""
    history = records.load(context)
    record = records.make_record(context["ti"].try_number, job, pod)
    _report(context, history, record)
    if advice := next((one.advice for one in reversed(history.tries) if one.advice), ""):
        log.warning("%s.", advice)


def _report(context: Any, history: History, record: TryRecord, next_try: NextTry | None = None) -> History:
    """Store the record of a try, and send its metrics. Returns the history with this try."""
    flavor = next_try.flavor if next_try else ""
    rescheduled = next_try is not None and next_try.action == "reschedule"
    history = add_try(history, record, flavor=flavor, rescheduled=rescheduled)
    records.save(context, history)
    metrics.emit(context, record, next_try)
    return history


def _log_frames(log: Any, failure: BaseException) -> None:
    """Log the stack trace of an error that nothing explains."""
    if isinstance(failure, TriggerFailed):
        log.error("The error of the triggerer:\n%s", failure.details)
    else:
        log.error("Nothing in the evidence explains this error:", exc_info=failure)


def _next_try(
    verdict: Verdict, job: Job | None, history: History, failure: BaseException | None, context: Any
) -> NextTry:
    if isinstance(failure, RunTimedOut):
        return NextTry(action="fail", sentence="No further try, because the run has ended")
    if isinstance(failure, AirflowFailException) and not verdict.is_final:
        return NextTry(action="fail", sentence="No further try, because this error allows none")
    ti, delay = context["ti"], getattr(context.get("task"), "retry_delay", None)
    return choose_next_try(
        verdict,
        job.retries if job else Retries(),
        history,
        ti.max_tries - ti.try_number + 1,
        larger=job.larger_flavors if job else (),
        largest_because=job.largest_because if job else "",
        default_delay=int(delay.total_seconds()) if isinstance(delay, timedelta) else DEFAULT_DELAY,
    )
