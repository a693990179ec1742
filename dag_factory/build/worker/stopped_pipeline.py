"""Fail the tasks of a stopped pipeline in the worker, before their pods exist, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from dag_factory.build.worker.skip_condition import is_resumed
from dag_factory.config.problems import Problem
from dag_factory.config.project.deleted import DELETED


class FailStopped:
    """Called by such a task before it runs, instead of its condition."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. This text is constant, so that an edit of a rule creates no
        # new version of the DAG.
        return "Stopped()"

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Fail the task, unless it is a deferred task that resumes: its pod exists and is watched until it ends.

        Raises ``AirflowFailException``, so that no retry follows: it would fail, too.
        """
        if is_resumed(context["ti"]):
            return
        raise AirflowFailException(stop_reason(self.problems))


def stop_reason(problems: Sequence[Problem]) -> str:
    """Return why the tasks of a stopped pipeline fail."""
    reasons = [f"{one.message} ({one.hint})" if one.hint else one.message for one in problems]
    if problems[0].code == DELETED:
        return f"deleted: {reasons[0]}"
    head = "this pipeline is stopped: its file has errors, and its last good version breaks current rules:"
    return "\n".join([head, *reasons])
