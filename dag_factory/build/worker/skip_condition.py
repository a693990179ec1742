"""A job's ``when``: asked in the worker before the pod exists, once for each start of the task.

Airflow calls a task's ``pre_execute`` at every try, and again each time a deferred task comes back. The
question is asked at the first try alone: a job that was under way when it failed, or while it waited, is
not skipped because the answer has changed. A task that somebody clears starts anew and is asked again.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

_YES = frozenset({"true", "yes", "on"})
_NO = frozenset({"", "false", "no", "off", "none", "null"})


@dataclass(frozen=True)
class SkipCondition:
    """What a task calls before it runs; ``text`` is the template of the condition."""

    text: str

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Skip the task where the condition is false.

        Raises ``AirflowSkipException``, ``ValueError`` for an answer that is neither yes nor no, and whatever
        a template raises.
        """
        task, ti = context["task"], context["ti"]
        if is_under_way(ti, task.retries):
            return
        answer = task.dag.get_template_env().from_string(self.text).render(**context)
        if not is_true(answer):
            raise AirflowSkipException(f"`when: {self.text}` is false in this run")


def is_under_way(ti: Any, retries: int) -> bool:
    """Whether this is a later try of a task, or its return from the triggerer."""
    if is_resumed(ti):
        return True
    # Tries are counted on after a task was cleared; Airflow itself tells the first one so.
    return bool(ti.try_number > ti.max_tries - retries + 1)


def is_resumed(ti: Any) -> bool:
    """Whether a deferred task comes back from the triggerer."""
    from_server = getattr(ti, "_ti_context_from_server", None)
    return bool(getattr(from_server, "next_method", None))


def is_true(answer: str) -> bool:
    """The answer as yes or no: words, numbers (0 is no), lists and maps (empty is no).

    Raises ``ValueError`` for everything else, a condition that is none.
    """
    word = answer.strip().lower()
    if word in _YES or word in _NO:
        return word in _YES
    try:
        value = ast.literal_eval(answer.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = answer
    if isinstance(value, (int, float, list, tuple, dict, set)):
        return bool(value)
    raise ValueError(f"`when` gave {answer.strip()[:80]!r}, which is neither true nor false; compare it with something")
