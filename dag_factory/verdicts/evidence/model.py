"""What is known of a try: its pod, the pod's events, the operator's failure, the flavor, the last log lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

Role = Literal["base", "init", "sidecar"]

FailureKind = Literal[
    "task-timeout",  # the `timeout` of the job
    "launch-timeout",  # the pod was not scheduled, or did not start, in time
    "launch-failed",
    "output-invalid",
    "guard",  # a rule of the environment or team forbids the pod
    "condition",  # `when` is neither true nor false
    "template",  # a `{{ }}` cannot be rendered
    "api",  # the cluster's API answered with an error, or not at all
    "pod-gone",  # the pod was deleted by somebody else
    "worker-stopped",  # the worker was told to end
    "run-timeout",  # the worker was told to end because the run took longer than its timeout
    "other",
]


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all evidence."""


class End(Frozen, frozen=True, kw_only=True):
    """How a container ended. Times are seconds since 1970."""

    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    started: float | None = None
    finished: float | None = None


class Container(Frozen, frozen=True, kw_only=True):
    """A container, as the pod's spec and status describe it.

    ``source`` is the path of its status. ``end`` is set if it has ended, ``previous`` if an earlier run of it has.
    ``reason`` and ``message`` say what a waiting container waits for. ``started``: when a running container started.
    """

    name: str
    role: Role
    source: str
    state: Literal["", "waiting", "running", "terminated"] = ""
    reason: str = ""
    message: str = ""
    end: End | None = None
    previous: End | None = None
    restarts_always: bool = False  # a sidecar that is declared as an init container
    image: str = ""
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}
    started: float | None = None


class Condition(Frozen, frozen=True, kw_only=True):
    """A condition of a pod. ``time``: when its status last changed."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    time: float | None = None
    source: str = ""


class Pod(Frozen, frozen=True, kw_only=True):
    """A pod. ``containers``: init containers first, then ``base``, then the others."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    node: str = ""
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    containers: tuple[Container, ...] = ()
    deleted: float | None = None  # when the grace period ends
    grace: float = 0
    active_deadline: int | None = None
    gates: tuple[str, ...] = ()
    overhead: dict[str, str] = {}
    created: float | None = None

    @property
    def base(self) -> Container | None:
        """The container that runs the job."""
        return next((one for one in self.containers if one.role == "base"), None)

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type."""
        return next((one for one in self.conditions if one.type == kind), None)


class Event(Frozen, frozen=True, kw_only=True):
    """An event of the pod. ``container`` is empty for an event of the whole pod."""

    reason: str
    message: str = ""
    warning: bool = False
    container: str = ""
    count: int = 1
    time: float | None = None
    source: str = ""


class Failure(Frozen, frozen=True, kw_only=True):
    """What the operator reports. ``code`` and ``reason`` are those of the API's answer, ``seconds`` the time limit."""

    kind: FailureKind = "other"
    text: str = ""
    code: int | None = None
    reason: str = ""
    seconds: int | None = None


class Evidence(Frozen, frozen=True, kw_only=True):
    """All that is known of one try. ``events`` are in the order of their times.

    ``timeout`` is the job's own, in seconds. ``nodes`` are the allocatable resources of each node, if known.
    """

    pod: Pod | None = None
    events: tuple[Event, ...] = ()
    failure: Failure | None = None
    flavor: str = ""
    limits: dict[str, str] = {}
    timeout: int | None = None
    log: tuple[str, ...] = ()
    nodes: tuple[dict[str, str], ...] = ()

    @property
    def containers(self) -> tuple[Container, ...]:
        """The containers of the pod."""
        return self.pod.containers if self.pod else ()

    def events_of(self, *reasons: str, container: str = "") -> Iterator[Event]:
        """The events with one of these reasons, newest first; of one container if it is given."""
        for event in reversed(self.events):
            if event.reason in reasons and (not container or event.container == container):
                yield event
