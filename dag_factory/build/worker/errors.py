"""Failures that the worker recognizes itself. Each one names its kind, so that no text is searched for it."""

from __future__ import annotations

from typing import ClassVar

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from dag_factory.verdicts.evidence.model import FailureKind

DELETED = "the pod was deleted while it was running, by somebody or together with its node"


class KnownFailure(AirflowException):
    """The base class of failures with a kind."""

    kind: ClassVar[FailureKind] = "other"


class ContainerFailed(AirflowException):
    """The container failed. Its pod says why."""


class OutputError(KnownFailure):
    """The job wrote an output that cannot be used."""

    kind = "output-invalid"


class PodDeleted(KnownFailure):
    """The pod was deleted from outside before the job ended."""

    kind = "pod-gone"


class WorkerStopped(KnownFailure):
    """The process of a try received SIGTERM before the job ended."""

    kind = "worker-stopped"

    def __init__(self) -> None:
        super().__init__(
            "the worker was stopped (SIGTERM) before the job ended, so the pod is deleted and this try fails. A worker"
            " is stopped when its node or its deployment shuts down, and when somebody clears or marks the task"
        )


class RunTimedOut(KnownFailure):
    """The process of a try received SIGTERM because its run took longer than ``seconds``, its timeout."""

    kind = "run-timeout"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"the run took longer than its timeout of {seconds} seconds")
        self.seconds = seconds


class NeverStarted(KnownFailure):
    """The pod waits for something that cannot come by itself."""

    kind = "launch-failed"


class StartedTooLate(KnownFailure):
    """The pod was not scheduled, or did not start, within a limit of ``seconds``."""

    kind = "launch-timeout"

    def __init__(self, seconds: int | None) -> None:
        super().__init__(f"the pod did not start within {seconds} s" if seconds else "the pod did not start in time")
        self.seconds = seconds


class TriggerFailed(KnownFailure):
    """The triggerer could not watch the pod. ``details`` is the stack trace of its error."""

    def __init__(self, text: str, details: str = "") -> None:
        super().__init__(text)
        self.details = details


class TimedOut(KnownFailure):
    """The job did not end within its timeout, and the triggerer reported it."""

    kind = "task-timeout"


class NoOutput(LookupError):
    """A template reads the output of a job that wrote none."""


class PodRefused(KnownFailure, AirflowFailException):
    """A rule of the environment or team forbids the pod. The same pod would break the same rule at each try."""

    kind = "guard"


class BadCondition(KnownFailure):
    """``when`` cannot be evaluated."""

    kind = "condition"


class BadTemplate(KnownFailure):
    """A ``{{ }}`` cannot be rendered."""

    kind = "template"


def kind_of(failure: BaseException | None) -> FailureKind | None:
    """The kind of a failure that names it."""
    return failure.kind if isinstance(failure, KnownFailure) else None
