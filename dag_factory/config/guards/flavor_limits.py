"""What a team's list of flavors means for the whole pod: nothing more than the flavors on it give."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dag_factory.config.guard_rules import Guards, Limit, PlatformLayers, Rule
from dag_factory.config.guards.amounts import GPU, PLAIN, number, of_flavor
from dag_factory.config.guards.flavors import matches
from dag_factory.config.guards.nodes import other_nodes
from dag_factory.config.model import Flavor
from dag_factory.config.pod import final_pod


class Given(msgspec.Struct, frozen=True):
    """What a flavor gives: the most of each resource, as text, and what its layer adds to a pod."""

    most: dict[str, str]
    layer: PlatformLayers


def given(flavor: Flavor, layer: PlatformLayers) -> Given:
    """What one flavor of the table gives."""
    limits = final_pod.resources(flavor).get("limits", {})
    return Given({**limits, GPU: f"{of_flavor(flavor)[GPU]:f}"}, layer)


def bounded(guards: Guards, own: Mapping[str, Limit], flavors: Mapping[str, Given], defaults: PlatformLayers) -> Guards:
    """The guards with what follows from the lists of flavors.

    ``own`` are the limits of a `max` of the team: a resource that it names is bounded by it alone. ``defaults`` are
    what the platform adds to every job, or offers to all.
    """
    limits: dict[str, Limit] = {}
    containers = dict(defaults.containers)
    nodes = []
    for rule in guards.flavors:
        allowed = {name: one for name, one in flavors.items() if matches(name, rule)}
        for key, limit in _limits(rule, [one.most for one in allowed.values()]).items():
            if key not in limits or number(limit.most) < number(limits[key].most):
                limits[key] = limit
        for one in allowed.values():
            containers |= one.layer.containers
        others = [one.layer for name, one in flavors.items() if name not in allowed]
        nodes.append(other_nodes(rule, others, [defaults, *(one.layer for one in allowed.values())]))
    limits = {**limits, **own} if limits else {}
    return msgspec.structs.replace(guards, flavor_limits=limits, platform_containers=containers, nodes=tuple(nodes))


def _limits(rule: Rule, sizes: list[dict[str, str]]) -> dict[str, Limit]:
    """The most of each resource that one of the flavors gives; none where one of them gives it without limit."""
    found = {}
    for key in dict.fromkeys(key for size in sizes for key in size):
        texts = [size[key] for size in sizes if key in size]
        if key in PLAIN and len(texts) < len(sizes):
            continue
        found[key] = Limit(rule.by, rule.file, rule.line, max(texts, key=number))
    return found
