"""What is known of a failed task: in its own process from the exception, later from its XComs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from dag_factory.build.alerts.text import log_lines, one_line
from dag_factory.build.worker.tries import records
from dag_factory.build.worker.try_failed import TryFailed
from dag_factory.config.model import Job
from dag_factory.verdicts.history import TryRecord
from dag_factory.verdicts.kinds import KINDS, Kind, KindInfo
from dag_factory.verdicts.next_try import what_to_do
from dag_factory.verdicts.verdict import Verdict

_log = logging.getLogger(__name__)

XCOM_KEY = "failure"
"""The XCom of a failed task with its ``Evidence``, for the alert of the run."""

MARK_KEY = "alert"
"""The XCom of a task with the incidents that it reported, so that nothing reports them again."""

ENDED_FROM_OUTSIDE = "this try was ended from outside: its worker died, or somebody marked the job as failed"

_BY_NAME: Mapping[str, KindInfo] = {str(kind): info for kind, info in KINDS.items()}
"""The kinds by text: what is stored may come from another release."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a task failed, as an alert shows it. All texts are masked and bounded.

    ``clear`` differs after each clear of the task. ``next_try`` says what follows.
    """

    sentence: str = ""
    advice: str = ""
    kind: str = "unknown"
    next_try: str = ""
    tries: tuple[TryRecord, ...] = ()
    lines: tuple[str, ...] = ()
    clear: int = 0

    @property
    def summary(self) -> str:
        """The kind in a few words."""
        info = _BY_NAME.get(self.kind)
        return info.title.lower() if info and self.kind != "unknown" else ""

    @property
    def what_to_do(self) -> str:
        """The advice of the verdict if it has its own, or the text of its kind."""
        info = _BY_NAME.get(self.kind)
        return self.advice or (info.what_to_do if info else "")


def of_exception(context: Any, job: Job) -> Evidence:
    """What the process of a failed task knows. ``context`` is that of its callback."""
    error, ti = context.get("exception"), context["ti"]
    clear = ti.max_tries or 0
    if isinstance(error, TryFailed):
        lines = log_lines(error.log_lines, job)
        return _of_verdict(error.verdict, error.next_try.sentence, error.history.tries, lines, clear)
    if error is not None:
        sentence = one_line(f"{type(error).__name__}: {error}")
        return Evidence(sentence=sentence, clear=clear, tries=stored_tries(ti))
    return Evidence(sentence=ENDED_FROM_OUTSIDE, kind="killed", clear=clear, tries=stored_tries(ti))


def _of_verdict(
    verdict: Verdict, next_try: str, tries: Sequence[TryRecord], lines: tuple[str, ...], clear: int
) -> Evidence:
    return Evidence(
        sentence=one_line(verdict.sentence),
        advice=one_line(what_to_do(verdict)),
        kind=verdict.kind,
        next_try=one_line(next_try, 300),
        tries=clean_tries(tries),
        lines=lines,
        clear=clear,
    )


def clean_tries(tries: Sequence[TryRecord]) -> tuple[TryRecord, ...]:
    """The last records with masked texts."""
    return tuple(msgspec.structs.replace(one, sentence=one_line(one.sentence, 300)) for one in tries[-20:])


def stored_tries(ti: Any) -> tuple[TryRecord, ...]:
    """The records of a try that ended, and those before it; if its worker was killed, what it stored at its start."""
    try:
        value = ti.xcom_pull(task_ids=ti.task_id, key=records.XCOM_KEY, map_indexes=ti.map_index)
        if value:
            return clean_tries(msgspec.convert(value, tuple[TryRecord, ...]))
        value = ti.xcom_pull(task_ids=ti.task_id, key=records.STARTED_KEY, map_indexes=ti.map_index)
    except Exception:  # the alert matters more than the table in it
        return ()
    return _killed_tries(value)


def _killed_tries(stored: Any) -> tuple[TryRecord, ...]:
    """The records of a try whose worker was killed, and of those before it."""
    try:
        tries = msgspec.convert(stored or (), tuple[TryRecord, ...])
    except msgspec.ValidationError:
        return ()
    if not tries:
        return ()
    return clean_tries((*tries[:-1], msgspec.structs.replace(tries[-1], kind="killed", sentence=ENDED_FROM_OUTSIDE)))


def push(ti: Any, evidence: Evidence) -> None:
    """Store the evidence for the alert of the run. An error is logged: the alert of the job matters more."""
    try:
        ti.xcom_push(key=XCOM_KEY, value=msgspec.json.decode(msgspec.json.encode(evidence)))  # no tuples
    except Exception as error:
        _log.warning("The alert of the run will have less detail: %s", error)


def pull(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Evidence:
    """The evidence that a failed task stored; the records of its tries if there is nothing else."""
    if (stored := _xcom(dag_id, run_id, task_id, map_index, XCOM_KEY)) is not None:
        try:
            return msgspec.convert(stored, Evidence)
        except msgspec.ValidationError:
            pass
    try:
        stored = _xcom(dag_id, run_id, task_id, map_index, records.XCOM_KEY)
        tries = msgspec.convert(stored or (), tuple[TryRecord, ...])
    except msgspec.ValidationError:
        tries = ()
    if tries and tries[-1].sentence:
        kind: Kind = tries[-1].kind or "unknown"
        return Evidence(sentence=one_line(tries[-1].sentence), kind=kind, tries=clean_tries(tries))
    killed = _killed_tries(_xcom(dag_id, run_id, task_id, map_index, records.STARTED_KEY))
    return Evidence(sentence=ENDED_FROM_OUTSIDE, kind="killed", tries=killed)


def marks(dag_id: str, run_id: str, task_id: str) -> list[str]:
    """The incidents that the process of a task reported."""
    found = _xcom(dag_id, run_id, task_id, -1, MARK_KEY)
    return [str(one) for one in found] if isinstance(found, list) else []


def _xcom(dag_id: str, run_id: str, task_id: str, map_index: int, key: str) -> Any:
    from airflow.sdk.bases.xcom import BaseXCom

    try:
        return BaseXCom.get_one(key=key, dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=map_index)
    except Exception:  # the DAG processor cannot read it: the alert has less detail
        return None
