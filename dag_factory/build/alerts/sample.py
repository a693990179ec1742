"""A sample alert, for `dagf alerts test`."""

from __future__ import annotations

from dag_factory.build.alerts.alert import Alert
from dag_factory.verdicts.history import TryRecord
from dag_factory.verdicts.kinds import KINDS


def sample_alert(environment: str) -> Alert:
    """An alert about a job that does not exist."""
    sentence = "out of memory: the container was killed at its limit of 2Gi"
    return Alert(
        event="on_failure",
        environment=environment,
        pipeline="team.example",
        job="train",
        run="manual__2026-01-01T00:00:00+00:00",
        summary="out of memory",
        sentence=sentence,
        what_to_do=KINDS["out-of-memory"].what_to_do,
        kind="out-of-memory",
        tries=(TryRecord(number=1, flavor="cpu-small", size="1 CPU, 2Gi", ran=61, sentence=sentence),),
        log_lines=("This is a sample. No job failed.",),
        owner="nobody",
        is_sample=True,
    )
