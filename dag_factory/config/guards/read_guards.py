"""The limits as the platform's files set them, read into rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from dag_factory.config.guard_rules import Bound, Guards, Limit, PlatformLayers, Rule
from dag_factory.config.pod.security_standards import LEVELS
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, at, entries_of, fragment, to_python, whole_number
from dag_factory.config.units import quantity, seconds

ALLOW_LISTS = (
    *("service_accounts", "secrets", "config_maps", "claims", "priority_classes", "runtime_classes", "schedulers"),
    *("pull_secrets", "pools", "node_selectors", "tolerations", "labels", "annotations", "presets", "templates"),
)
_DURATIONS = ("timeout", "min_schedule_interval")


def environment_guards(name: str, body: MapNode) -> Guards:
    """The limits of an environment, from its computed tree."""
    by = f"the environment `{name}`"
    latest = at(body, ("images", "forbid_latest"))
    forbidden = isinstance(latest, Scalar) and latest.value is True
    return Guards(
        images=_rule(by, at(body, ("images", "allowed"))),
        forbid_latest=Rule(by, latest.position.file, latest.position.line) if latest and forbidden else None,
        limits=_limits(by, at(body, ("flavors", "max"))),
        **_of_both(by, body),
    )


def team_guards(by: str, node: MapNode) -> Guards:
    """The limits of one team, which messages call ``by``, from its computed tree."""
    said = node.entries
    return Guards(
        images=_rule(by, said.get("images")),
        limits=_limits(by, said.get("max")),
        flavors=_rule(by, said.get("flavors")),
        require=_rule(by, said.get("require")),
        **_of_both(by, node),
    )


def combine(outer: Guards, inner: Guards) -> Guards:
    """Both limits: every rule of each, and of two limits of one resource the lower."""
    limits = dict(outer.limits)
    for key, limit in inner.limits.items():
        if key not in limits or _number(limit) < _number(limits[key]):
            limits[key] = limit
    bounds = dict(outer.bounds)
    for key, bound in inner.bounds.items():
        if key not in bounds or _is_stricter(key, bound, bounds[key]):
            bounds[key] = bound
    levels = [one for one in (outer.pod_security, inner.pod_security) if one]
    return msgspec.structs.replace(
        outer,
        images=(*outer.images, *inner.images),
        forbid_latest=outer.forbid_latest or inner.forbid_latest,
        limits=limits,
        flavors=(*outer.flavors, *inner.flavors),
        require=(*outer.require, *inner.require),
        pod_security=max(levels, key=lambda one: LEVELS.index(one.words[0]), default=None),
        allow={key: (*outer.allow.get(key, ()), *inner.allow.get(key, ())) for key in {**outer.allow, **inner.allow}},
        bounds=bounds,
    )


def platform_layers(layers: Iterable[MapNode | None]) -> PlatformLayers:
    """What layers of jobs add to a pod, as far as they hold no expression."""
    selector: dict[str, str] = {}
    tolerations: list[Any] = []
    containers: dict[str, Any] = {}
    for layer in (one for one in layers if one):
        for path in (("node_selector",), ("pod", "spec", "nodeSelector")):
            selector |= {
                key: item.text for key, item in entries_of(at(layer, path)).items() if isinstance(item, Scalar)
            }
        for path in (("tolerations",), ("pod", "spec", "tolerations")):
            tolerations += _fragments(at(layer, path))
        for path in (("sidecars",), ("init_containers",), (*_SPEC, "initContainers"), (*_SPEC, "containers")):
            for one in _fragments(at(layer, path)):
                containers[one.get("name")] = one.get("resources") or {}
    return PlatformLayers(selector, tuple(tolerations), containers)


_SPEC = ("pod", "spec")


def _fragments(node: Node | None) -> list[Any]:
    return [fragment(item) for item in node.items if isinstance(item, MapNode)] if isinstance(node, ListNode) else []


def _number(limit: Limit) -> float:
    return float(quantity(limit.most) or 0)


def _is_stricter(key: str, one: Bound, other: Bound) -> bool:
    return one.most > other.most if key == "min_schedule_interval" else one.most < other.most


def _of_both(by: str, node: MapNode) -> dict[str, Any]:
    """What environments and teams set under the same keys."""
    level = node.get("pod_security")
    is_level = isinstance(level, Scalar) and level.value in LEVELS
    return {
        "pod_security": Rule(by, level.position.file, level.position.line, (str(to_python(level)),))
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
    found = {}
    for key, item in entries_of(node).items():
        if isinstance(item, Scalar) and item.value is not None and quantity(item.text) is not None:
            found[key.replace("_", "-") if "/" not in key else key] = Limit(
                by, item.position.file, item.position.line, item.text
            )
    return found
