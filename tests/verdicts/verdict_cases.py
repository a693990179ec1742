"""Evidence for the tests: pods, events and API answers as Kubernetes 1.33 writes them.

The fixtures are recordings of a real cluster, cut down to the fields that verdicts read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dag_factory.verdicts.evidence.model import Evidence
from dag_factory.verdicts.evidence.read_failure import read_status
from dag_factory.verdicts.evidence.read_objects import read_events, read_nodes, read_pod

FIXTURES = Path(__file__).with_name("fixtures")
RECORDED = sorted(path.stem for path in FIXTURES.glob("*.json") if path.stem != "errors")


def load(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def recorded(name: str, **more: Any) -> Evidence:
    """The evidence of a recorded pod life."""
    life = load(name)
    pod = read_pod(life["pod"])
    assert pod is not None
    return Evidence(pod=pod, events=read_events(life["events"], pod.uid), **more)


def ended(code: int, reason: str = "Error", message: str = "", seconds: int = 40, **more: Any) -> dict[str, Any]:
    """The state of a container that ended ``seconds`` after it started at 10:00:00."""
    times = {"startedAt": "2026-11-21T10:00:00Z", "finishedAt": f"2026-11-21T10:00:{seconds:02}Z"}
    text = {"message": message} if message else {}
    return {"terminated": {"exitCode": code, "reason": reason, **times, **text, **more}}


def waits(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


RUNNING: dict[str, Any] = {"running": {"startedAt": "2026-11-21T10:00:00Z"}}


def container(name: str = "base", state: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A container's spec, with its state for ``pod_json``."""
    return {"name": name, "image": "ghcr.io/acme/train:1", **spec, "state": state or {}}


def pod_json(
    *containers: dict[str, Any],
    phase: str = "Failed",
    init: tuple[dict[str, Any], ...] = (),
    node: str = "n3",
    spec: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    conditions: tuple[dict[str, Any], ...] = (),
    **status: Any,
) -> dict[str, Any]:
    def specs(items: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
        return [{key: value for key, value in item.items() if key not in ("state", "lastState")} for item in items]

    def statuses(items: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
        return [
            {"name": item["name"], "state": item["state"], "lastState": item.get("lastState", {})}
            for item in items
            if item["state"]
        ]

    items = containers or (container(state=ended(137)),)
    return {
        "metadata": {"name": "train-x1", "namespace": "ml", "uid": "u1", **(metadata or {})},
        "spec": {
            "containers": specs(items),
            **({"initContainers": specs(init)} if init else {}),
            **({"nodeName": node} if node else {}),
            **(spec or {}),
        },
        "status": {
            "phase": phase,
            "conditions": list(conditions),
            "containerStatuses": statuses(items),
            "initContainerStatuses": statuses(init),
            **status,
        },
    }


def disruption(reason: str, message: str) -> dict[str, Any]:
    return {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}


def unscheduled(message: str, reason: str = "Unschedulable") -> dict[str, Any]:
    return {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}


def event(reason: str, message: str, container: str = "", second: int = 30, kind: str = "Warning") -> dict[str, Any]:
    field = {"fieldPath": f"spec.containers{{{container}}}"} if container else {}
    return {
        "involvedObject": {"kind": "Pod", "name": "train-x1", "uid": "u1", **field},
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 1,
        "lastTimestamp": f"2026-11-21T10:00:{second:02}Z",
    }


def evidence(
    pod: dict[str, Any] | None = None, *events: dict[str, Any], nodes: list[dict[str, Any]] | None = None, **more: Any
) -> Evidence:
    """Evidence from JSON."""
    listed = [{"status": {"allocatable": node}} for node in nodes or []]
    return Evidence(
        pod=read_pod(pod),
        events=read_events({"items": list(events)}, "u1"),
        nodes=read_nodes({"items": listed}),
        **more,
    )


def refused(message: str, code: int = 403, reason: str = "Forbidden") -> Evidence:
    """The API's answer to the request for a pod."""
    status = {"kind": "Status", "status": "Failure", "message": message, "reason": reason, "code": code}
    return Evidence(failure=read_status(status, code))
