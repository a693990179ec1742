"""The limits as the platform's files set them, read into rules."""

from __future__ import annotations

import msgspec

from dag_factory.config.guards.rules import Guards, Limit, Rule
from dag_factory.config.tree import Mapping, Node, Scalar, Sequence, at, entries
from dag_factory.config.units import quantity


def of_environment(name: str, body: Mapping) -> Guards:
    """The limits of an environment, from its computed tree."""
    by = f"the environment `{name}`"
    latest = at(body, ("images", "forbid_latest"))
    forbidden = isinstance(latest, Scalar) and latest.value is True
    return Guards(
        images=_rule(by, at(body, ("images", "allowed"))),
        forbid_latest=Rule(by, latest.mark.file, latest.mark.line) if latest and forbidden else None,
        limits=_limits(by, at(body, ("flavors", "max"))),
    )


def of_team(by: str, node: Mapping) -> Guards:
    """The limits of one team, which messages call ``by``, from its computed tree."""
    said = node.entries
    return Guards(
        images=_rule(by, said.get("images")),
        limits=_limits(by, said.get("max")),
        flavors=_rule(by, said.get("flavors")),
        require=_rule(by, said.get("require")),
    )


def together(outer: Guards, inner: Guards) -> Guards:
    """Both limits: every rule of each, and of two limits of one resource the lower."""
    limits = dict(outer.limits)
    for key, limit in inner.limits.items():
        if key not in limits or _number(limit) < _number(limits[key]):
            limits[key] = limit
    return msgspec.structs.replace(
        outer,
        images=(*outer.images, *inner.images),
        forbid_latest=outer.forbid_latest or inner.forbid_latest,
        limits=limits,
        flavors=(*outer.flavors, *inner.flavors),
        require=(*outer.require, *inner.require),
    )


def _number(limit: Limit) -> float:
    return float(quantity(limit.most) or 0)


def _rule(by: str, node: Node | None) -> tuple[Rule, ...]:
    if not isinstance(node, Sequence):
        return ()
    words = tuple(item.text for item in node.items if isinstance(item, Scalar))
    return (Rule(by, node.mark.file, node.mark.line, words),)


def _limits(by: str, node: Node | None) -> dict[str, Limit]:
    found = {}
    for key, item in entries(node).items():
        if isinstance(item, Scalar) and item.value is not None and quantity(item.text) is not None:
            found[key.replace("_", "-") if "/" not in key else key] = Limit(
                by, item.mark.file, item.mark.line, item.text
            )
    return found
