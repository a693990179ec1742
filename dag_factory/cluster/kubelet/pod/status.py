"""A pod's status as a kubelet words it, computed from the states of its containers. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...objects import clock
from ...objects.pod_phase import FINISHED
from ...objects.store import Object
from ...runtime.engine import Exit

State = dict[str, Any]

_EPOCH = "1970-01-01T00:00:00Z"


@dataclass
class Slot:
    """One container of the spec and where it stands. ``state`` and ``last`` are ContainerState bodies."""

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
        """A native sidecar: an init container that runs along with the pod."""
        return self.init and self.spec.get("restartPolicy") == "Always"

    @property
    def exit_code(self) -> int | None:
        terminated = self.state.get("terminated")
        return int(terminated["exitCode"]) if terminated else None

    @property
    def running(self) -> bool:
        return "running" in self.state

    @property
    def events_field(self) -> str:
        return f"spec.{'initContainers' if self.init else 'containers'}{{{self.name}}}"


def waiting(reason: str, message: str = "") -> State:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def terminated(exit: Exit, started: str, container_id: str, message: str = "", reason: str = "") -> State:
    if not reason:
        reason = "OOMKilled" if exit.out_of_memory else "Completed" if exit.code == 0 else "Error"
    body = {"exitCode": exit.code, "reason": reason, **({"message": message} if message else {})}
    body |= {"startedAt": started or _EPOCH, "finishedAt": clock.now(), "containerID": container_id}
    return {"terminated": body}


def phase(slots: list[Slot], restart_policy: str) -> str:
    """The kubelet's ``getPhase``."""
    pending_init = failed_init = 0
    for slot in slots:
        if slot.init and not slot.sidecar:
            if slot.exit_code is None:
                pending_init += 1
            elif slot.exit_code != 0:
                failed_init += 1
        elif slot.sidecar and not slot.started and slot.exit_code is None:
            pending_init += 1
    main = [slot for slot in slots if not slot.init]
    running = sum(slot.running for slot in main)
    stopped = sum(slot.exit_code is not None or ("waiting" in slot.state and bool(slot.last)) for slot in main)
    waits = sum("waiting" in slot.state and not slot.last for slot in main)
    succeeded = sum(slot.exit_code == 0 for slot in main)
    if failed_init and restart_policy == "Never":
        return "Failed"
    if pending_init or failed_init or waits:
        return "Pending"
    if running:
        return "Running"
    if stopped and restart_policy != "Always":
        if stopped == succeeded:
            return "Succeeded"
        if restart_policy == "Never":
            return "Failed"
    return "Running" if stopped else "Pending"


def build(
    pod: Object,
    slots: list[Slot],
    *,
    started_at: str,
    sandbox: bool,
    over: bool,
    ip: str,
    reason: str = "",
    message: str = "",
    disrupted: str = "",
) -> dict[str, Any]:
    """The status body. ``over``: all containers have ended for good; ``reason`` is why the kubelet ended the pod,
    ``disrupted`` who disturbed it (the reason of a DisruptionTarget condition).
    """
    policy = pod["spec"].get("restartPolicy", "Always")
    if reason:
        current = "Failed" if over else pod["status"].get("phase", "Pending")
    else:
        current = phase(slots, policy)
        if current in FINISHED and not over:
            current = pod["status"].get("phase", "Pending")
    ending = "Failed" if reason else phase(slots, policy)
    status: dict[str, Any] = {
        "phase": current,
        "conditions": _conditions(pod, slots, sandbox and not over, ending),
    }
    if disrupted:
        status["conditions"].insert(0, _condition("DisruptionTarget", "True", disrupted, message, None))
    if reason and over:
        status |= {"message": message, "reason": reason}
    status |= {"hostIP": ip, "hostIPs": [{"ip": ip}]}
    if sandbox:
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    status["startTime"] = started_at
    init = [slot for slot in slots if slot.init]
    if init:
        status["initContainerStatuses"] = [_container(slot) for slot in init]
    status["containerStatuses"] = [_container(slot) for slot in sorted(slots, key=lambda s: s.name) if not slot.init]
    status["qosClass"] = pod["status"].get("qosClass", "BestEffort")
    return status


def _conditions(pod: Object, slots: list[Slot], up: bool, ending: str) -> list[dict[str, Any]]:
    done = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(ending, "")
    unready = [s.name for s in slots if not s.ready and (not s.init or s.sidecar)]
    incomplete = [
        s.name
        for s in slots
        if s.init and not (s.started if s.sidecar else s.exit_code == 0) and not (s.sidecar and s.last)
    ]
    if done:
        ready = ("False", done, "")
    elif unready:
        ready = ("False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    else:
        ready = ("True", "", "")
    if ending == "Succeeded":
        initialized = ("True", "PodCompleted", "")
    elif incomplete:
        text = f"containers with incomplete status: [{' '.join(incomplete)}]"
        initialized = ("False", "ContainersNotInitialized", text)
    else:
        initialized = ("True", "", "")
    wanted = {
        "PodReadyToStartContainers": ("True" if up else "False", "", ""),
        "Initialized": initialized,
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": ("True", "", ""),
    }
    before = {c["type"]: c for c in pod["status"].get("conditions") or []}
    return [_condition(kind, *value, before.get(kind)) for kind, value in wanted.items()]


def _condition(kind: str, status: str, reason: str, message: str, before: dict[str, Any] | None) -> dict[str, Any]:
    same = before is not None and before["status"] == status
    condition: dict[str, Any] = {
        "type": kind,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": before["lastTransitionTime"] if before and same else clock.now(),
    }
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _container(slot: Slot) -> dict[str, Any]:
    status: dict[str, Any] = {
        "name": slot.name,
        "state": slot.state,
        "lastState": slot.last,
        "ready": slot.ready,
        "restartCount": slot.restarts,
        "image": slot.image or slot.spec.get("image", ""),
        "imageID": slot.image_id,
    }
    if slot.container_id:
        status["containerID"] = slot.container_id
    status["started"] = slot.started
    resources = slot.spec.get("resources") or {}
    if slot.created:
        if resources.get("requests"):
            status["allocatedResources"] = resources["requests"]
        status["resources"] = resources
    mounts = [
        {
            "name": m["name"],
            "mountPath": m["mountPath"],
            **({"readOnly": True, "recursiveReadOnly": "Disabled"} if m.get("readOnly") else {}),
        }
        for m in slot.spec.get("volumeMounts") or []
    ]
    if mounts:
        status["volumeMounts"] = mounts
    return status
