"""Tasks of a pipeline that is stopped: each fails in the worker, before its pod exists, and says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from dag_factory.build.worker.skip_condition import is_resumed
from dag_factory.config.problems import Problem


class FailStopped:
    """What such a task calls before it runs, in place of its condition."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text: an edit of a rule makes no new version of a DAG.
        return "Stopped()"

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Fail the task. One that comes back from the triggerer has its pod already: it is watched to its end.

        Raises ``AirflowFailException``: no retry follows, which would fail too.
        """
        if is_resumed(context["ti"]):
            return
        told = [f"{one.message} ({one.hint})" if one.hint else one.message for one in self.problems]
        head = "this pipeline is stopped: its file has problems, and its last good version breaks rules of today:"
        raise AirflowFailException("\n".join([head, *told]))
