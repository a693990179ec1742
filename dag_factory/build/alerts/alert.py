"""An alert: everything that its text says, as data. It is stored as JSON while it waits to be sent."""

from __future__ import annotations

from typing import Literal

import msgspec

from dag_factory.config.model import Channel
from dag_factory.verdicts.history import TryRecord

Event = Literal["on_failure", "on_success", "on_retry", "on_deadline", "on_recovery"]

HEADLINES: dict[Event, str] = {
    "on_failure": "failed",
    "on_success": "succeeded",
    "on_retry": "failed and is tried again",
    "on_deadline": "missed its deadline",
    "on_recovery": "succeeded after a failure",
}


class _Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class Link(_Frozen, frozen=True, kw_only=True):
    """A link with its text."""

    text: str
    url: str


class FailedJob(_Frozen, frozen=True, kw_only=True):
    """A failed job in the alert of a run. ``count`` is for a job that runs for each item of a list."""

    name: str
    sentence: str = ""
    count: str = ""
    log: str = ""


class Alert(_Frozen, frozen=True, kw_only=True):
    """An alert about a run or, with ``job``, about a job in it.

    ``summary`` is the reason in a few words, for the subject; ``sentence`` is the verdict. ``clear`` differs after
    each clear of the task or run, and ``number`` is the try of a retry: the alert is about one incident.
    """

    event: Event
    environment: str
    pipeline: str
    run: str = ""
    job: str = ""
    summary: str = ""
    sentence: str = ""
    what_to_do: str = ""
    next_try: str = ""
    kind: str = ""
    tries: tuple[TryRecord, ...] = ()
    failed: tuple[FailedJob, ...] = ()
    log_lines: tuple[str, ...] = ()
    owner: str = ""
    links: tuple[Link, ...] = ()
    clear: int = 0
    number: int = 0
    is_sample: bool = False

    @property
    def headline(self) -> str:
        """What happened, in one line: ``growth.churn: train failed (out of memory)``."""
        name = f"{self.pipeline}: {self.job}" if self.job else self.pipeline
        reason = f" ({self.summary})" if self.summary else ""
        return f"{name} {HEADLINES[self.event]}{reason}"

    @property
    def incident(self) -> tuple[str, ...]:
        """What the alert is about. Two alerts with the same incident report the same thing."""
        return (self.environment, self.pipeline, self.run, self.job, self.event, str(self.clear), str(self.number))


class Kept(_Frozen, frozen=True, kw_only=True):
    """An alert that waits to be sent to one channel. Times are seconds since 1970."""

    alert: Alert
    channel: Channel
    created: float
    tries: int = 0
    last_try: float = 0
    error: str = ""


class Deadline(_Frozen, frozen=True, kw_only=True):
    """What a DAG stores about its deadline, for the alert. Fields keep their names; new ones have defaults.

    ``text`` is for example ``by 07:00 (Europe/Berlin)``. The channels are those of the pipeline and those of its jobs.
    """

    text: str
    environment: str = ""
    owner: str = ""
    run_channels: tuple[str, ...] = ()
    job_channels: dict[str, tuple[str, ...]] = {}
    channels: tuple[Channel, ...] = ()
