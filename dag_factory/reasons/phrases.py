"""Times, names and lists in sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from urllib.parse import quote

from dag_factory.config.units import duration_text
from dag_factory.reasons.facts import Failed, Holder
from dag_factory.reasons.reason import Link
from dag_factory.verdicts.history import TryRecord
from dag_factory.verdicts.kinds import KINDS

MOST_WORDS = 20
"""How many words a first sentence has: at four words in a second, it is read in five seconds."""

FEWEST_WORDS = 4
"""A shorter beginning, such as ``exit code 3``, does not say what happened."""

_COLON = re.compile(": ")
_BRACKETED = re.compile(r"(.*\S) \(([^()]*)\)", re.DOTALL)


def split_evidence(text: str, words: int = MOST_WORDS) -> tuple[str, tuple[str, ...]]:
    """A short statement, and the evidence for it, which belongs below: what Kubernetes says, the node, the exit code.

    ``text`` has no final period. ``words``: how many the statement may have. A long text without a colon at a
    good place stays whole.
    """
    match = _BRACKETED.fullmatch(text)
    text, bracketed = match.groups() if match else (text, "")
    rest = ""
    if len(text.split()) > words:
        for cut in reversed([one.start() for one in _COLON.finditer(text)]):
            if FEWEST_WORDS <= len(text[:cut].split()) <= words and _is_closed(text[:cut]):
                text, rest = text[:cut], text[cut + 2 :]
                break
    return text, tuple(filter(None, (rest, bracketed)))


def _is_closed(text: str) -> bool:
    """Whether the text ends outside brackets and code."""
    return text.count("`") % 2 == 0 and all(text.count(one[0]) == text.count(one[1]) for one in ("()", "[]", "{}"))


def time_text(moment: datetime) -> str:
    """``2026-11-30 21:05:00 UTC``."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """``5m10s ago``, to the second below an hour, else to the minute."""
    return f"{span(moment, now)} ago"


def span(start: datetime, end: datetime) -> str:
    """The time between two moments: ``5m10s``; without seconds from one hour, without minutes from two days."""
    seconds = max(0, int((end - start).total_seconds()))
    unit = 1 if seconds < 3600 else 60 if seconds < 2 * 86400 else 3600
    return duration_text(seconds - seconds % unit)


def task_name(task_id: str, map_index: int) -> str:
    """``train``, or ``train [3]`` for a mapped task."""
    return task_id if map_index < 0 else f"{task_id} [{map_index}]"


def listed(names: Sequence[str], most: int = 5) -> str:
    """``a``, ``a and b``, ``a, b and 3 more``."""
    shown = [f"`{name}`" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def run_link(dag_id: str, run_id: str, text: str = "") -> Link:
    """The tab Why? of a run."""
    return Link(text or run_id, f"{_run_path(dag_id, run_id)}/plugin/why-run")


def task_link(dag_id: str, run_id: str, task_id: str, map_index: int = -1, text: str = "") -> Link:
    """The tab Why? of a task instance."""
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    path = f"{_run_path(dag_id, run_id)}/tasks/{_quoted(task_id)}{mapped}/plugin/why-task"
    return Link(text or task_name(task_id, map_index), path)


def _run_path(dag_id: str, run_id: str) -> str:
    return f"dags/{_quoted(dag_id)}/runs/{_quoted(run_id)}"


def _quoted(part: str) -> str:
    """A part of a path. Airflow compares paths as the browser shows them, and that does not quote these characters."""
    return quote(part, safe=":+@=,")


def what_to_do(one: TryRecord) -> str:
    """What to do after a failed try, and what follows, as in its log. Older records have no such sentences."""
    return " ".join(filter(None, (one.what_to_do, one.next_try))) or (KINDS[one.kind].what_to_do if one.kind else "")


def failed_text(one: Failed) -> str:
    """``train: out of memory: ...``."""
    name = task_name(one.task_id, one.map_index)
    return f"{name}: {one.sentence}" if one.sentence else f"{name}: its record has no reason; read its log"


def holder_text(one: Holder) -> str:
    """A task instance that uses slots of a pool."""
    slots = f"{one.slots} slot{'' if one.slots == 1 else 's'}"
    return f"{task_name(one.task_id, one.map_index)} of {one.dag_id} ({slots})"
