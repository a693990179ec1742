"""What each layer does to the value at one path, by the rules of ``config/schema/merge.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.schema.annotations import Shape
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, as_map, is_null, to_python
from dag_factory.explain.layers import Layer

Expand = Callable[[Layer, Node], Layer]
"""Turns a value into the layer that it stands for: the name of a retry rule into the keys of the rule."""

REPLACES = "replaces the value"
REPEATS = "has the same item"
_KEEPS_LOWER = ("sets", REPLACES)


class Contribution(msgspec.Struct, frozen=True):
    """What one layer does. ``node`` is None if it only removes the value."""

    layer: str
    effect: str
    position: Position
    node: Node | None = None
    is_overridden: bool = False


def trace(
    layers: Iterable[Layer], path: KeyPath, final: Node | None, shape: Shape, expand: Expand
) -> list[Contribution]:
    """What each layer does to the value at ``path``, low to high; layers that do nothing to it are left out.

    ``final`` is the merged tree: a step that is an index means the item of its list.
    """
    found: list[Contribution] = []
    for layer in layers:
        one = _contribution(layer, path, final, shape, expand, bool(found) and found[-1].node is not None)
        if one is None or (one.node is None and not found):
            continue
        if _ends_lower(one):
            found = [msgspec.structs.replace(lower, is_overridden=True) for lower in found]
        found.append(one)
    return found


def _ends_lower(one: Contribution) -> bool:
    return one.node is None or one.effect in _KEEPS_LOWER


def _contribution(
    layer: Layer, path: KeyPath, final: Node | None, shape: Shape, expand: Expand, has_lower: bool
) -> Contribution | None:
    node, keys, is_joined = layer.node, Position(""), False
    for depth, step in enumerate(path):
        layer = expand(layer, node) if shape.merge == "count" else layer
        node = layer.node if shape.merge == "count" else node
        if isinstance(node, Scalar):
            return _instead(layer, node, path[depth:], shape)
        inner = _inner(node, step, final, shape)
        if inner is None:
            return _removal(layer, node, step, shape)
        keys = node.keys.get(str(step), inner.position) if isinstance(node, MapNode) else inner.position
        is_joined = is_joined or (isinstance(node, ListNode) and shape.merge == "join")
        final = _child(final, step)
        shape = shape.child(str(step)) if isinstance(node, MapNode) else shape.items
        node = inner
    if is_joined and has_lower:  # the lower item stays
        return Contribution(layer.name, REPEATS, node.position, node, is_overridden=True)
    if is_null(node) and not shape.keeps_null:
        return Contribution(layer.name, "unsets the value", node.position or keys)
    return Contribution(layer.name, _effect(node, shape) if has_lower else "sets", node.position, node)


def _instead(layer: Layer, node: Scalar, rest: KeyPath, shape: Shape) -> Contribution | None:
    """A single value where other layers have a map or a list."""
    if shape.merge == "count" and not isinstance(node.value, str) and not is_null(node):
        return Contribution(layer.name, REPLACES, node.position, node) if rest == ("retries",) else None
    effect = "unsets all of it" if is_null(node) else "replaces all of it"
    return Contribution(layer.name, effect, node.position)


def _inner(node: MapNode | ListNode, step: str | int, final: Node | None, shape: Shape) -> Node | None:
    if isinstance(node, MapNode):
        return node.entries.get(str(step))
    index = _index(node, step, final, shape)
    return None if index is None else node.items[index]


def _index(node: ListNode, step: str | int, final: Node | None, shape: Shape) -> int | None:
    """The index of the item in this layer's list that is the item of the merged list at ``step``."""
    if not isinstance(step, int):
        return None
    wanted = _child(final, step)
    if wanted is not None and shape.merge.startswith("key:"):
        name = shape.merge.removeprefix("key:")
        key = as_map(wanted).get(name)
        return next((index for index, item in enumerate(node.items) if _equal(as_map(item).get(name), key)), None)
    if wanted is not None and shape.merge == "join":
        return next((index for index, item in enumerate(node.items) if _equal(item, wanted)), None)
    return step if step < len(node.items) else None


def _equal(one: Node | None, other: Node | None) -> bool:
    return one is not None and other is not None and to_python(one) == to_python(other)


def _removal(layer: Layer, node: MapNode | ListNode, step: str | int, shape: Shape) -> Contribution | None:
    """The layer has no value at this step. It may still remove the value of lower layers."""
    if isinstance(node, ListNode):
        keeps = shape.merge == "join" or shape.merge.startswith("key:")
        return None if keeps else Contribution(layer.name, "replaces the list", node.position)
    for key, item in node.entries.items():
        if step in shape.child(key).ends and not is_null(item):
            return Contribution(layer.name, f"removes it, because it sets `{key}`", node.keys.get(key, node.position))
    if shape.merge in ("replace", "retain", "count"):
        return Contribution(layer.name, "replaces all of it", node.position)
    return None


def _effect(node: Node, shape: Shape) -> str:
    if isinstance(node, Scalar) or shape.merge in ("replace", "count"):
        return REPLACES
    if isinstance(node, MapNode):
        return "merges its keys"
    if shape.merge == "join":
        return "adds its items"
    if shape.merge.startswith("key:"):
        return f"merges items by `{shape.merge.removeprefix('key:')}`"
    return REPLACES


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, MapNode):
        return node.entries.get(str(step))
    if isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None
