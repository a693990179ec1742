"""Laying one tree over another, as the language page says.

Maps merge; a list merges by a key, joins, or replaces; ``null`` unsets. Which of these holds for a place
is said once, by the annotation ``x-merge`` in the JSON Schemas:

==============  =========================================================================
``key:NAME``    list items with one value under ``NAME`` merge, others are added
``join``        what the lower list has not yet is added
``retain``      maps merge, and keys of the lower that the higher does not name go
``replace``     the higher value stands as it is, nulls included (one-of maps)
``count``       as ``replace``, but a number changes the count of what lies below (``retries``)
absent          maps merge, lists and single values replace
==============  =========================================================================

``x-ends`` names the keys beside it that a value ends in lower layers: a ``script`` a ``command``.
"""

from __future__ import annotations

from dag_factory.config.schema.annotations import Shape
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, is_null, list_node, map_node, to_python


def merge(low: Node | None, high: Node | None, shape: Shape, *, unset: bool = True) -> Node | None:
    """``high`` laid over ``low``; None stands for a layer that says nothing.

    ``unset`` False keeps a null as it is written: the result is a layer itself, which unsets what lies
    below it.
    """
    if high is None:
        return low
    if low is None:
        return drop_nulls(high, shape) if unset else high
    if shape.merge == "count":
        return _counted(low, high)
    if shape.merge == "replace":
        return high
    if isinstance(low, MapNode) and isinstance(high, MapNode):
        return _merge_maps(low, high, shape, unset)
    if isinstance(low, ListNode) and isinstance(high, ListNode):
        return _merge_lists(low, high, shape, unset)
    return drop_nulls(high, shape) if unset else high


def drop_nulls(node: Node, shape: Shape) -> Node:
    """The tree without the keys that ``null`` unsets: a layer with nothing below it."""
    if shape.merge in ("replace", "count") or not isinstance(node, MapNode):
        return node
    if not any(is_null(item) or isinstance(item, MapNode) for item in node.entries.values()):
        return node
    kept: dict[str, Node] = {}
    for key, item in node.entries.items():
        inner = shape.child(key)
        if not is_null(item) or inner.keeps_null:
            kept[key] = drop_nulls(item, inner)
    return map_node(kept, node.keys, node.position)


def _merge_maps(low: MapNode, high: MapNode, shape: Shape, unset: bool) -> MapNode:
    merged = {key: item for key, item in low.entries.items() if shape.merge != "retain" or key in high.entries}
    for key, item in high.entries.items():
        inner = shape.child(key)
        if is_null(item) and unset and not inner.keeps_null:
            merged.pop(key, None)
            continue
        result = merge(merged.get(key), item, inner, unset=unset)
        if result is not None:
            merged[key] = result
        if inner.ends and not is_null(item):
            for ended in inner.ends:
                if ended not in high.entries:
                    merged.pop(ended, None)
    return map_node(merged, low.keys | high.keys, high.position)


def _merge_lists(low: ListNode, high: ListNode, shape: Shape, unset: bool) -> ListNode:
    if shape.merge == "join":
        have = [to_python(item) for item in low.items]
        added = tuple(item for item in high.items if to_python(item) not in have)
        return list_node((*low.items, *added), high.position)
    if shape.merge.startswith("key:"):
        name = shape.merge.removeprefix("key:")
        items = list(low.items)
        places = {_key(item, name): index for index, item in enumerate(items)}
        for item in high.items:
            key = _key(item, name)
            if key is not None and key in places:
                items[places[key]] = merge(items[places[key]], item, shape.items, unset=unset) or item
            else:
                items.append(drop_nulls(item, shape.items) if unset else item)
        return list_node(tuple(items), high.position)
    return high


def _counted(low: Node, high: Node) -> Node:
    """A number of retries over a rule: the rule with that count. A rule's name is kept under ``rule``.

    What an expression gives is not known yet; where it is a name, the rest is left out when it is computed.
    """
    if not isinstance(high, Scalar) or (not high.dynamic and type(high.value) is not int):
        return high
    if is_null(low):  # a map replaces, so that the null goes on hiding what lies below
        return map_node({"retries": high}, {"retries": high.position}, high.position)
    if isinstance(low, Scalar) and isinstance(low.value, str):
        return map_node({"rule": low, "retries": high}, {"rule": low.position, "retries": high.position}, high.position)
    if isinstance(low, MapNode):
        rest = {key: item for key, item in low.entries.items() if key != "count"}
        return map_node({**rest, "retries": high}, {**low.keys, "retries": high.position}, high.position)
    return high


def _key(item: Node, name: str) -> object:
    found = item.entries.get(name) if isinstance(item, MapNode) else None
    return to_python(found) if found is not None else None
