"""One container of a pod and its current state, and the states that the API shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...objects import clock
from ...runtime.engine import Exit

State = dict[str, Any]

_EPOCH = "1970-01-01T00:00:00Z"


@dataclass
class Slot:
    """One container of the spec and its current state. ``state`` and ``last`` are ContainerState bodies."""

    spec: dict[str, Any]
    init: bool
    state: State
    last: State = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    image: str = ""
    image_id: str = ""
    container_id: str = ""
    created: bool = False

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def sidecar(self) -> bool:
        """A native sidecar: an init container that runs as long as the pod."""
        return self.init and self.spec.get("restartPolicy") == "Always"

    @property
    def exit_code(self) -> int | None:
        terminated = self.state.get("terminated")
        return int(terminated["exitCode"]) if terminated else None

    @property
    def running(self) -> bool:
        return "running" in self.state

    @property
    def event_field(self) -> str:
        """The ``fieldPath`` of events about this container."""
        return f"spec.{'initContainers' if self.init else 'containers'}{{{self.name}}}"

    def restart_policy(self, pod_policy: str) -> str:
        """This container's restart policy. An init container that has succeeded is not run again."""
        if self.sidecar:
            return "Always"
        return "OnFailure" if self.init and pod_policy == "Always" else pod_policy


def waiting(reason: str, message: str = "") -> State:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def terminated(exit: Exit, started: str, container_id: str, message: str = "", reason: str = "") -> State:
    if not reason:
        reason = "OOMKilled" if exit.out_of_memory else "Completed" if exit.code == 0 else "Error"
    body = {"exitCode": exit.code, "reason": reason, **({"message": message} if message else {})}
    body |= {"startedAt": started or _EPOCH, "finishedAt": clock.now(), "containerID": container_id}
    return {"terminated": body}
