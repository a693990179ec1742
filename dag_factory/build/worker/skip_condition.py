"""Evaluate a job's ``when`` in the worker, before the pod exists.

Airflow calls a task's ``pre_execute`` at every try, and again each time a deferred task resumes. The condition is
evaluated only at the first try: a job that already ran is not skipped because the answer changed meanwhile. The same
holds for a try that is repeated because the cluster ended its pod. If somebody clears the task, it starts again, and so
does the condition.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from dag_factory.build.worker.errors import BadCondition
from dag_factory.build.worker.tries import records
from dag_factory.build.worker.tries.end import end_by_fault
from dag_factory.build.worker.tries.template_faults import describe
from dag_factory.verdicts.history import first_try

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"", "false", "no", "off", "none", "null"})


@dataclass(frozen=True)
class SkipCondition:
    """Called by a task before it runs. ``text`` is the template of the condition."""

    text: str

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Skip the task if the condition is false.

        Raises ``AirflowSkipException``, and ``TryFailed`` if the condition cannot be evaluated.
        """
        task, ti = context["task"], context["ti"]
        if has_started(ti, task.retries) or is_repeated(context):
            return
        try:
            is_met = is_true(task.dag.get_template_env().from_string(self.text).render(**context))
        except Exception as failure:
            text = str(failure) if isinstance(failure, ValueError) else f"`when: {self.text}`: {describe(failure)}"
            raise end_by_fault(context, BadCondition(text)) from None
        if not is_met:
            raise AirflowSkipException(f"`when: {self.text}` is false in this run")


def has_started(ti: Any, retries: int) -> bool:
    """Return whether this is a later try of a task, or a deferred task that resumes."""
    return is_resumed(ti) or bool(ti.try_number > first_try(ti.max_tries, retries))


def is_repeated(context: Mapping[str, Any]) -> bool:
    """Return whether this try was repeated without using a retry. Its number is the same.

    Airflow also repeats a try whose worker could not build the DAG. Then the task has no records yet.
    """
    return bool(context.get("task_reschedule_count")) and bool(records.load(context).tries)


def is_resumed(ti: Any) -> bool:
    """Return whether a deferred task resumes after its trigger."""
    from_server = getattr(ti, "_ti_context_from_server", None)
    return bool(getattr(from_server, "next_method", None))


def is_true(answer: str) -> bool:
    """Convert a rendered condition to a bool: words, numbers (0 is false), lists and maps (empty is false).

    Raises ``ValueError`` for all other text.
    """
    word = answer.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    try:
        value = ast.literal_eval(answer.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = answer
    if isinstance(value, (int, float, list, tuple, dict, set)):
        return bool(value)
    raise ValueError(f"`when` rendered to {answer.strip()[:80]!r}, which is neither true nor false; write a comparison")
