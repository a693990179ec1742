"""Merge a higher layer over a lower one.

Maps merge, lists merge by a key, are joined or are replaced, and ``null`` unsets a key. The annotation ``x-merge`` in
the JSON Schemas defines which rule applies at a place:

==============  ==========================================================================
``key:NAME``    list items with the same value of ``NAME`` merge, other items are added
``join``        items that the lower list does not have are added
``retain``      maps merge, but keys that only the lower map has are removed
``replace``     the higher value replaces the lower one, nulls included (one-of maps)
``count``       like ``replace``, but a number changes the count of the lower value (``retries``)
absent          maps merge, lists and single values are replaced
==============  ==========================================================================

``x-ends`` names sibling keys that a value removes from lower layers: a ``script`` removes a ``command``.
"""

from __future__ import annotations

from dag_factory.config.schema.annotations import Shape
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, is_null, list_node, map_node, to_python


def merge(low: Node | None, high: Node | None, shape: Shape, *, unset: bool = True) -> Node | None:
    """Merge ``high`` over ``low``. None is a layer without a value.

    With ``unset`` False, nulls stay in the result: it is a layer itself, and its nulls unset keys of layers below.
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
    """The tree without keys whose value is ``null``, for a layer that has no layer below it."""
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
        existing = [to_python(item) for item in low.items]
        added = tuple(item for item in high.items if to_python(item) not in existing)
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
    """Merge a number of retries over a rule: the result is the rule with that count. A rule's name goes under ``rule``.

    The result of an expression is not known yet. If it is a name, the other keys are removed after it is computed.
    """
    if not isinstance(high, Scalar) or (not high.dynamic and type(high.value) is not int):
        return high
    if is_null(low):  # a map replaces, so the null still hides the layers below
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
