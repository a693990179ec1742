"""Whether a pod fits on a node: its requests, node selector and affinity, and the node's condition. Pure functions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..objects.quantity import parse
from ..objects.store import Object

_NOT_HELPFUL = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
_NO_VICTIMS = "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."


def missing_claim(claim: str) -> str:
    """The scheduler's message for a pod whose persistent volume claim does not exist."""
    return f'0/1 nodes are available: persistentvolumeclaim "{claim}" not found. {_NOT_HELPFUL}'


def why_not(pod: Object, node: Object, used: list[Object]) -> str:
    """The scheduler's message if the pod can't be bound to the node now; empty if it can.

    ``used`` are the pods that have the node already.
    """
    unavailable = _unavailable(node)
    if unavailable:
        return f"0/1 nodes are available: 1 node(s) {unavailable}. {_NOT_HELPFUL}"
    if not _matches_affinity(pod["spec"], node["metadata"].get("labels", {})):
        return f"0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {_NOT_HELPFUL}"
    shortages = [f"1 {reason}" for reason in _shortages(pod, node, used)]
    return f"0/1 nodes are available: {', '.join(shortages)}. {_NO_VICTIMS}" if shortages else ""


def pod_requests(spec: dict[str, Any]) -> dict[str, Decimal]:
    """A pod's requests: the sum of its containers and sidecars, or its largest init container if that is more."""
    total: dict[str, Decimal] = {}
    sidecars: dict[str, Decimal] = {}
    largest: dict[str, Decimal] = {}
    for container in spec.get("containers", []):
        _add(total, container)
    for container in spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            _add(total, container)
            _add(sidecars, container)
        else:
            alone = dict(sidecars)
            _add(alone, container)
            largest = {key: max(largest.get(key, Decimal(0)), value) for key, value in {**largest, **alone}.items()}
    result = {key: max(total.get(key, Decimal(0)), largest.get(key, Decimal(0))) for key in {**total, **largest}}
    for key, value in (spec.get("overhead") or {}).items():
        result[key] = result.get(key, Decimal(0)) + parse(value)
    return result


def _add(total: dict[str, Decimal], container: dict[str, Any]) -> None:
    resources = container.get("resources") or {}
    for key, value in {**(resources.get("limits") or {}), **(resources.get("requests") or {})}.items():
        total[key] = total.get(key, Decimal(0)) + parse(value)


def _shortages(pod: Object, node: Object, used: list[Object]) -> list[str]:
    allocatable = {key: parse(value) for key, value in node["status"]["allocatable"].items()}
    reasons = []
    if len(used) + 1 > allocatable["pods"]:
        reasons.append("Too many pods")
    taken: dict[str, Decimal] = {}
    for other in used:
        for key, value in pod_requests(other["spec"]).items():
            taken[key] = taken.get(key, Decimal(0)) + value
    for key, value in sorted(pod_requests(pod["spec"]).items()):
        if value > 0 and taken.get(key, Decimal(0)) + value > allocatable.get(key, Decimal(0)):
            reasons.append(f"Insufficient {key}")
    return reasons


def _unavailable(node: Object) -> str:
    """Why the node takes no pods now, as the scheduler words it; empty if it takes pods."""
    if node["spec"].get("unschedulable"):
        return "were unschedulable"
    ready = next((c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"), "Unknown")
    return "" if ready == "True" else "had untolerated taint {node.kubernetes.io/unreachable: }"


def _matches_affinity(spec: dict[str, Any], labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    terms = affinity.get("nodeSelectorTerms") or []
    return not terms or any(
        all(_matches(e, labels) for e in term.get("matchExpressions") or []) and not term.get("matchFields")
        for term in terms
    )


def _matches(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
    label = labels.get(key)
    if operator == "In":
        return label in values
    if operator == "NotIn":
        return label not in values
    if operator == "Exists":
        return label is not None
    if operator == "DoesNotExist":
        return label is None
    if label is None or not label.lstrip("-").isdigit() or not values:
        return False
    return int(label) > int(values[0]) if operator == "Gt" else int(label) < int(values[0])
