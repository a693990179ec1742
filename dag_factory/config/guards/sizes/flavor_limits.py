"""Flavor limits: a team's list of flavors also limits the whole pod, to what these flavors provide."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dag_factory.config.guard_rules import Guards, Limit, PlatformLayers, Rule
from dag_factory.config.guards.flavors import is_listed
from dag_factory.config.guards.nodes import other_nodes
from dag_factory.config.guards.sizes.resource_usage import GPU, NODE_RESOURCES, flavor_usage, to_number
from dag_factory.config.model import Flavor
from dag_factory.config.pod import final_pod


class FlavorGrant(msgspec.Struct, frozen=True):
    """What a flavor allows a pod: the maximum of each resource, as text, and what its layer adds to the pod."""

    most: dict[str, str]
    layer: PlatformLayers


def flavor_grant(flavor: Flavor, layer: PlatformLayers) -> FlavorGrant:
    """What one flavor of the table allows a pod."""
    limits = final_pod.flavor_resources(flavor).get("limits", {})
    return FlavorGrant({**limits, GPU: f"{flavor_usage(flavor)[GPU]:f}"}, layer)


def with_flavor_limits(
    guards: Guards, own: Mapping[str, Limit], grants: Mapping[str, FlavorGrant], defaults: PlatformLayers
) -> Guards:
    """The guards with the limits that follow from their lists of flavors; ``grants`` are by the name of the flavor.

    ``own`` are the limits of the team's `max`, which override those of the lists. ``defaults`` are what the platform
    adds to every job or offers to all.
    """
    limits: dict[str, Limit] = {}
    containers = dict(defaults.containers)
    nodes = []
    for rule in guards.flavors:
        allowed = {name: grant for name, grant in grants.items() if is_listed(name, rule)}
        for key, limit in _limits(rule, [grant.most for grant in allowed.values()]).items():
            if key not in limits or to_number(limit.most) < to_number(limits[key].most):
                limits[key] = limit
        for grant in allowed.values():
            containers |= grant.layer.containers
        others = [grant.layer for name, grant in grants.items() if name not in allowed]
        nodes.append(other_nodes(rule, others, [defaults, *(grant.layer for grant in allowed.values())]))
    limits = {**limits, **own} if limits else {}
    return msgspec.structs.replace(guards, flavor_limits=limits, platform_containers=containers, nodes=tuple(nodes))


def _limits(rule: Rule, sizes: list[dict[str, str]]) -> dict[str, Limit]:
    """The maximum of each resource over these flavors; a resource that one of them does not limit is left out."""
    limits = {}
    for key in dict.fromkeys(key for size in sizes for key in size):
        texts = [size[key] for size in sizes if key in size]
        if key in NODE_RESOURCES and len(texts) < len(sizes):
            continue
        limits[key] = Limit(rule.by, rule.file, rule.line, max(texts, key=to_number))
    return limits
