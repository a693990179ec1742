"""Read the limits of environments and teams into ``Guards``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dag_factory.config.guard_rules import Bound, Guards, Limit, PlatformLayers, Rule
from dag_factory.config.pod.security_standards import LEVELS
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, at, entries_of, fragment, items_of, whole_number
from dag_factory.config.units import quantity, seconds

ALLOW_LISTS = (
    *("service_accounts", "secrets", "config_maps", "claims", "priority_classes", "runtime_classes", "schedulers"),
    *("pull_secrets", "pools", "node_selectors", "tolerations", "labels", "annotations", "presets", "templates"),
)
_DURATIONS = ("timeout", "min_schedule_interval")
_SPEC = ("pod", "spec")
_SELECTORS = (("node_selector",), (*_SPEC, "nodeSelector"))
_TOLERATIONS = (("tolerations",), (*_SPEC, "tolerations"))
_CONTAINERS = (("sidecars",), ("init_containers",), (*_SPEC, "initContainers"), (*_SPEC, "containers"))


def environment_guards(name: str, settings: MapNode) -> Guards:
    """The limits of an environment; its expressions are computed."""
    by = f"the environment `{name}`"
    images = settings.map("images")
    latest = images.scalar("forbid_latest")
    is_forbidden = latest is not None and latest.value is True
    return Guards(
        images=_rule(by, images.get("allowed")),
        forbid_latest=Rule(by, latest.position.file, latest.position.line) if latest and is_forbidden else None,
        limits=_limits(by, settings.map("flavors").get("max")),
        **_common(by, settings),
    )


def team_guards(by: str, node: MapNode) -> Guards:
    """The limits of one team, which messages call ``by``; its expressions are computed."""
    return Guards(
        images=_rule(by, node.get("images")),
        limits=_limits(by, node.get("max")),
        flavors=_rule(by, node.get("flavors")),
        require=_rule(by, node.get("require")),
        **_common(by, node),
    )


def combine(outer: Guards, inner: Guards) -> Guards:
    """The limits of both: all rules, and the lower of two limits for one resource."""
    limits = dict(outer.limits)
    for key, limit in inner.limits.items():
        if key not in limits or _number(limit) < _number(limits[key]):
            limits[key] = limit
    bounds = dict(outer.bounds)
    for key, bound in inner.bounds.items():
        if key not in bounds or _is_stricter(key, bound, bounds[key]):
            bounds[key] = bound
    levels = [level for level in (outer.pod_security, inner.pod_security) if level]
    return msgspec.structs.replace(
        outer,
        images=(*outer.images, *inner.images),
        forbid_latest=outer.forbid_latest or inner.forbid_latest,
        limits=limits,
        flavors=(*outer.flavors, *inner.flavors),
        require=(*outer.require, *inner.require),
        pod_security=max(levels, key=lambda level: LEVELS.index(level.words[0]), default=None),
        allow={key: (*outer.allow.get(key, ()), *inner.allow.get(key, ())) for key in {**outer.allow, **inner.allow}},
        bounds=bounds,
    )


def platform_layers(layers: Iterable[MapNode | None]) -> PlatformLayers:
    """What layers of jobs add to a pod, without values that contain an expression."""
    selector: dict[str, str] = {}
    tolerations: list[Any] = []
    containers: dict[str, Any] = {}
    for layer in layers:
        if layer is None:
            continue
        for path in _SELECTORS:
            nodes = entries_of(at(layer, path))
            selector |= {key: item.text for key, item in nodes.items() if isinstance(item, Scalar)}
        for path in _TOLERATIONS:
            tolerations += _fragments(at(layer, path))
        for path in _CONTAINERS:
            for container in _fragments(at(layer, path)):
                containers[container.get("name")] = container.get("resources") or {}
    return PlatformLayers(selector, tuple(tolerations), containers)


def _fragments(node: Node | None) -> list[Any]:
    return [fragment(item) for item in items_of(node) if isinstance(item, MapNode)]


def _number(limit: Limit) -> float:
    return float(quantity(limit.most) or 0)


def _is_stricter(key: str, bound: Bound, other: Bound) -> bool:
    return bound.most > other.most if key == "min_schedule_interval" else bound.most < other.most


def _common(by: str, node: MapNode) -> dict[str, Any]:
    """The limits that environments and teams set under the same keys."""
    level = node.scalar("pod_security")
    is_level = level is not None and level.value in LEVELS
    return {
        "pod_security": Rule(by, level.position.file, level.position.line, (level.text,))
        if level and is_level
        else None,
        "allow": {key: rule for key in ALLOW_LISTS if (rule := _rule(by, node.get(key)))},
        "bounds": dict(_bounds(by, node.get("limits"))),
    }


def _bounds(by: str, node: Node | None) -> Iterator[tuple[str, Bound]]:
    for key, item in entries_of(node).items():
        if isinstance(item, Scalar) and item.value is not None:
            most = seconds(item.text) if key in _DURATIONS else whole_number(item)
            if most is not None:
                yield key, Bound(by, item.position.file, item.position.line, most, item.text)


def _rule(by: str, node: Node | None) -> tuple[Rule, ...]:
    if not isinstance(node, ListNode):
        return ()
    words = tuple(item.text for item in node.items if isinstance(item, Scalar))
    return (Rule(by, node.position.file, node.position.line, words),)


def _limits(by: str, node: Node | None) -> dict[str, Limit]:
    limits = {}
    for key, item in entries_of(node).items():
        if isinstance(item, Scalar) and item.value is not None and quantity(item.text) is not None:
            resource = key if "/" in key else key.replace("_", "-")
            limits[resource] = Limit(by, item.position.file, item.position.line, item.text)
    return limits
