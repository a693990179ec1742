"""Fail the tasks of a stopped pipeline in the worker, before their pods exist, with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dag_factory.build.worker.skip_condition import is_resumed
from dag_factory.build.worker.tries.end import end_before_pod
from dag_factory.config.model import Job
from dag_factory.config.problems import Problem
from dag_factory.config.project.deleted import DELETED
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict


class FailStopped:
    """Called by such a task before it runs, instead of its condition."""

    def __init__(self, problems: Sequence[Problem], job: Job | None = None) -> None:
        self.problems = tuple(problems)
        self.job = job

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. This text is constant, so that an edit of a rule creates no
        # new version of the DAG.
        return "Stopped()"

    def __call__(self, context: Mapping[str, Any]) -> None:
        """Fail the task, unless it is a deferred task that resumes: its pod exists and is watched until it ends.

        Raises ``TryFailed``. No retry follows: it would fail, too.
        """
        if not is_resumed(context["ti"]):
            raise end_before_pod(context, self.job, stop_verdict(self.problems))


def stop_verdict(problems: Sequence[Problem]) -> Verdict:
    """The verdict on every task of a stopped pipeline."""
    first = problems[0]
    facts = [Fact(f"{one.message} ({one.hint})" if one.hint else one.message, one.file) for one in problems]
    if first.code == DELETED:
        return make_verdict("killed", f"not started: {first.message}", facts, advice=first.hint, is_final=True)
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    sentence = (
        "policy: this pipeline is stopped, because its file has errors and its last good version breaks current rules:"
        f" {facts[0].text}{more}"
    )
    advice = "correct the file of the pipeline, or ask the platform team"
    return make_verdict("policy", sentence, facts, advice=advice, is_final=True)
