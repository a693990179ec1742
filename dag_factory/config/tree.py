"""The source tree: the values of a YAML file, each with its position in the file.

Layers are merged and expressions are computed on this tree, so a problem found late still names the file, line and
column of the value. Trees are immutable; an alias is the same node as its anchor. A tree never contains itself, so the
garbage collector does not need to walk its many nodes (``gc=False``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeGuard

import msgspec

from dag_factory.config.positions import KeyPath, Position

CHARACTERS = 16
"""The number of characters that count as one value."""


class Scalar(msgspec.Struct, frozen=True, gc=False):
    """A single value and its text in the file. ``block``: the text is a block scalar, which begins on the next line."""

    value: bool | int | float | str | None
    text: str
    position: Position
    dynamic: bool = False  # contains an expression that is not computed yet
    block: bool = False

    def line(self, number: int) -> Position:
        """The position of a line of the text, counted from 1; the start of the text if it is not a block scalar."""
        return Position(self.position.file, self.position.line + number, 1) if self.block else self.position


class MapNode(msgspec.Struct, frozen=True, gc=False):
    """A map with text keys, in the order of the file; ``keys`` has the position of each key.

    The methods read the value of one key. They treat a value of another kind as absent.
    """

    entries: dict[str, Node]
    keys: dict[str, Position]
    position: Position
    dynamic: bool = False

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        return self.entries.get(key)

    def scalar(self, key: str) -> Scalar | None:
        """The single value of a key; None for null."""
        return scalar_of(self.entries.get(key))

    def text(self, key: str) -> str | None:
        """The text of a key's single value; None for null."""
        return text_of(self.entries.get(key))

    def map(self, key: str) -> MapNode:
        """The map of a key, or an empty map."""
        value = self.entries.get(key)
        return value if isinstance(value, MapNode) else _EMPTY

    def list(self, key: str) -> tuple[Node, ...]:
        """The items of a key's list."""
        value = self.entries.get(key)
        return value.items if isinstance(value, ListNode) else ()

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a key's list, or of its single value."""
        return texts_of(self.entries.get(key))


class ListNode(msgspec.Struct, frozen=True, gc=False):
    """A list."""

    items: tuple[Node, ...]
    position: Position
    dynamic: bool = False


Node = Scalar | MapNode | ListNode
_EMPTY = MapNode({}, {}, Position(""))


def scalar(value: Any, position: Position) -> Scalar:
    """A node for a computed value; its text is the string itself, or the value as JSON."""
    return Scalar(value, value if isinstance(value, str) else json.dumps(value), position)


def map_node(entries: dict[str, Node], keys: dict[str, Position], position: Position) -> MapNode:
    """Make a map; it is dynamic if one of its entries is."""
    return MapNode(entries, keys, position, _any_dynamic(entries.values()))


def list_node(items: tuple[Node, ...], position: Position) -> ListNode:
    """Make a list; it is dynamic if one of its items is."""
    return ListNode(items, position, _any_dynamic(items))


def _any_dynamic(nodes: Iterable[Node]) -> bool:
    for node in nodes:  # noqa: SIM110 - called for every map of every file: `any` takes twice as long
        if node.dynamic:
            return True
    return False


def from_python(value: Any, position: Position) -> Node:
    """A tree for plain data from one position, such as the result of an expression or a built-in default."""
    if isinstance(value, dict):
        entries = {str(key): from_python(item, position) for key, item in value.items()}
        return map_node(entries, dict.fromkeys(entries, position), position)
    if isinstance(value, (list, tuple)):
        return list_node(tuple(from_python(item, position) for item in value), position)
    return scalar(value, position)


def to_python(node: Node) -> Any:
    """The tree as plain dicts, lists and values."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, MapNode):
        return {key: to_python(item) for key, item in node.entries.items()}
    return [to_python(item) for item in node.items]


def whole_number(node: Node | None) -> int | None:
    """An integer in any notation (``16``, ``0x10``, ``16.0``); None for anything else."""
    value = node.value if isinstance(node, Scalar) else None
    return int(value) if isinstance(value, (int, float)) and value == int(value) else None


def fragment(node: Node) -> Any:
    """As ``to_python``, with ``1000.0`` as an integer, because Kubernetes rejects floats for integers."""
    if isinstance(node, Scalar):
        return int(node.value) if isinstance(node.value, float) and node.value.is_integer() else node.value
    if isinstance(node, MapNode):
        return {key: fragment(item) for key, item in node.entries.items()}
    return [fragment(item) for item in node.items]


def is_null(node: Node | None) -> bool:
    """Whether there is a value, and it is null."""
    return isinstance(node, Scalar) and node.value is None


def is_set(node: Node | None) -> TypeGuard[Node]:
    """Whether there is a value other than null."""
    return node is not None and not (isinstance(node, Scalar) and node.value is None)


def as_map(node: Node | None) -> MapNode:
    """The node if it is a map, otherwise an empty map."""
    return node if isinstance(node, MapNode) else _EMPTY


def entries_of(node: Node | None) -> dict[str, Node]:
    """The entries of a map; empty for any other node."""
    return node.entries if isinstance(node, MapNode) else {}


def items_of(node: Node | None) -> tuple[Node, ...]:
    """The items of a list; empty for any other node."""
    return node.items if isinstance(node, ListNode) else ()


def scalar_of(node: Node | None) -> Scalar | None:
    """The node if it is a single value other than null."""
    return node if isinstance(node, Scalar) and node.value is not None else None


def text_of(node: Node | None) -> str | None:
    """The text of a single value other than null."""
    return node.text if isinstance(node, Scalar) and node.value is not None else None


def scalars_of(node: Node | None) -> tuple[Scalar, ...]:
    """The single values of a list. A single value other than null counts as a list of one."""
    if isinstance(node, ListNode):
        return tuple(item for item in node.items if isinstance(item, Scalar))
    return (node,) if isinstance(node, Scalar) and node.value is not None else ()


def texts_of(node: Node | None) -> tuple[str, ...]:
    """The texts of a list. The text of a single value other than null counts as a list of one."""
    return tuple(item.text for item in scalars_of(node))


def at(node: Node, path: KeyPath) -> Node | None:
    """The node at a path, or None where the path leaves the tree."""
    for step in path:
        if isinstance(node, MapNode) and step in node.entries:
            node = node.entries[str(step)]
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def replace_at(node: Node, path: KeyPath, new: Node) -> Node:
    """The tree with another node at a path that exists in it."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(node, MapNode):
        inner = node.entries[str(step)]
        return map_node({**node.entries, str(step): replace_at(inner, rest, new)}, node.keys, node.position)
    assert isinstance(node, ListNode) and isinstance(step, int)
    items = (*node.items[:step], replace_at(node.items[step], rest, new), *node.items[step + 1 :])
    return list_node(items, node.position)


def position_at(node: Node, path: KeyPath) -> Position:
    """The position of the deepest node that the path reaches."""
    for step in path:
        inner = at(node, (step,))
        if inner is None:
            break
        node = inner
    return node.position


def key_position(node: Node | None, key: str) -> Position | None:
    """The position of a key, or None if the map does not have it."""
    return node.keys.get(key) if isinstance(node, MapNode) else None


def without(node: MapNode, *names: str) -> MapNode:
    """The map without some of its keys."""
    if not any(name in node.entries for name in names):
        return node
    rest = {key: item for key, item in node.entries.items() if key not in names}
    return map_node(rest, {key: node.keys[key] for key in rest}, node.position)


def with_positions(node: Node, change: Callable[[Position], Position]) -> Node:
    """The tree with every position changed, for example from a rendered text to its template."""
    if isinstance(node, Scalar):
        return msgspec.structs.replace(node, position=change(node.position))
    if isinstance(node, MapNode):
        items = {key: with_positions(item, change) for key, item in node.entries.items()}
        keys = {key: change(position) for key, position in node.keys.items()}
        return MapNode(items, keys, change(node.position), node.dynamic)
    return ListNode(tuple(with_positions(item, change) for item in node.items), change(node.position), node.dynamic)


def count_values(node: Node | None) -> int:
    """The number of values in a tree, including itself. Each use of an alias counts; long text counts as several."""
    if isinstance(node, Scalar):
        return 1 + len(node.text) // CHARACTERS
    if isinstance(node, MapNode):
        return 1 + sum(map(len, node.entries)) // CHARACTERS + sum(map(count_values, node.entries.values()))
    return 1 + sum(map(count_values, node.items)) if isinstance(node, ListNode) else 1


def count_maps(node: Node) -> int:
    """The number of maps in a tree, including itself."""
    if isinstance(node, Scalar):
        return 0
    if isinstance(node, MapNode):
        return 1 + sum(count_maps(item) for item in node.entries.values() if not isinstance(item, Scalar))
    return sum(map(count_maps, node.items))


def scalars(node: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Scalar]]:
    """Yield every single value below a node with its path, in the order of the file."""
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, MapNode):
        for key, item in node.entries.items():
            yield from scalars(item, (*path, key))
    else:
        for index, item in enumerate(node.items):
            yield from scalars(item, (*path, index))


def transform(node: Node, change: Callable[[KeyPath, Scalar], Node], path: KeyPath = ()) -> Node:
    """Replace each single value that contains an expression by the result of ``change``."""
    if not node.dynamic:
        return node
    if isinstance(node, Scalar):
        return change(path, node)
    if isinstance(node, MapNode):
        changed = {key: transform(item, change, (*path, key)) for key, item in node.entries.items()}
        return map_node(changed, node.keys, node.position)
    return list_node(
        tuple(transform(item, change, (*path, index)) for index, item in enumerate(node.items)), node.position
    )
