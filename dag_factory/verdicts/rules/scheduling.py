"""Pods that no node takes: what the scheduler says, and whether any node is large enough."""

from __future__ import annotations

import re
from decimal import Decimal

from dag_factory.config.units import quantity
from dag_factory.verdicts.evidence.model import Evidence, Pod

_PREEMPTION = re.compile(r"\.?\s*preemption: .*$")
_NEW_NODE = ("TriggeredScaleUp", "Nominated")  # the cluster autoscaler's and Karpenter's events
_NO_NEW_NODE = "NotTriggerScaleUp"


def scheduler_message(message: str) -> str:
    """The scheduler's message without what it says about preemption."""
    return _PREEMPTION.sub("", message).rstrip(". ")


def new_node_is_coming(evidence: Evidence) -> bool:
    """Whether an autoscaler has started a node for the pod."""
    newest = next(evidence.events_of(*_NEW_NODE, _NO_NEW_NODE), None)
    return newest is not None and newest.reason != _NO_NEW_NODE


def too_large(pod: Pod, nodes: tuple[dict[str, str], ...]) -> str:
    """Why the pod fits no node, not even an empty one; an empty string if it fits or the nodes are not known."""
    requests = _requests(pod)
    sizes = [{name: quantity(text) or Decimal(0) for name, text in node.items()} for node in nodes]
    if not sizes or any(all(size.get(name, 0) >= amount for name, amount in requests.items()) for size in sizes):
        return ""
    for name, amount in requests.items():
        largest = max(sizes, key=lambda size: size.get(name, Decimal(0)))
        if largest.get(name, Decimal(0)) < amount:
            most = nodes[sizes.index(largest)].get(name)
            have = f"the largest node has {_text(name, most)}" if most and quantity(most) else "no node has any"
            return f"the pod requests {_text(name, _written(pod, name, amount))}, and {have}"
    return "no node is large enough for all requests of the pod together"


def _requests(pod: Pod) -> dict[str, Decimal]:
    """What the scheduler reserves: the sum of the containers, or the largest init container if that is more."""
    together: dict[str, Decimal] = {}
    largest: dict[str, Decimal] = {}
    for container in pod.containers:
        for name, text in {**container.limits, **container.requests}.items():
            amount = quantity(text) or Decimal(0)
            if container.role != "init" or container.restarts_always:
                together[name] = together.get(name, Decimal(0)) + amount
            else:
                largest[name] = max(largest.get(name, Decimal(0)), amount)
    names = dict.fromkeys([*together, *largest])
    overhead = {name: quantity(text) or Decimal(0) for name, text in pod.overhead.items()}
    none = Decimal(0)
    return {name: max(together.get(name, none), largest.get(name, none)) + overhead.get(name, none) for name in names}


def _written(pod: Pod, name: str, amount: Decimal) -> str:
    """The amount as the YAML file has it, if one container requests it all."""
    for container in pod.containers:
        text = {**container.limits, **container.requests}.get(name, "")
        if text and quantity(text) == amount:
            return text
    return f"{amount.normalize():f}"


def _text(name: str, amount: str) -> str:
    return f"{amount} CPU" if name == "cpu" else f"{amount} of {name}" if name in _SIZES else f"{amount} {name}"


_SIZES = ("memory", "ephemeral-storage")
