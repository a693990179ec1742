"""Operations on a YAML document. Each knows the ranges that it replaces, and what the values are afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeGuard

import msgspec

from dag_factory.config.positions import KeyPath, Position, dotted
from dag_factory.config.tree import ListNode, MapNode, Node, at, from_python, list_node, map_node, replace_at
from dag_factory.edits import places, render
from dag_factory.edits.document import (
    AliasSyntax,
    Document,
    Entry,
    ListSyntax,
    MapSyntax,
    ScalarSyntax,
    Syntax,
)
from dag_factory.edits.text_edit import TextEdit, trimmed

_NEW = Position("")


class Refused(Exception):
    """The operation is not possible as an edit of the text. ``str()`` of it is the reason."""


class Operation(Protocol):
    """A change of a document."""

    def edits(self, document: Document) -> Iterable[TextEdit]:
        """The ranges that it replaces. Raises ``Refused``."""

    def result(self, tree: Node) -> Node:
        """The values afterwards. The path of the operation exists in the tree."""


class SetValue(msgspec.Struct, frozen=True):
    """Replaces a value."""

    path: KeyPath
    value: Any

    def edits(self, document: Document) -> Iterable[TextEdit]:
        old, flow = _node(document, self.path), _in_flow(document, self.path[:-1])
        if flow or not self.path:
            text = render.like(old, self.value, flow=True) if _is_text(old) else render.in_flow(self.value)
            yield trimmed(document.text, TextEdit(old.start, old.end, _apart(document, old, text)))
            return
        if _is_text(old) and not isinstance(self.value, (dict, list)) and not _has_lines(old, self.value):
            text = render.like(old, self.value, flow=False)
            yield trimmed(document.text, TextEdit(old.start, old.end, _apart(document, old, text)))
            return
        start, column, make = _block_place(document, self.path)
        new, line_end, more = make(self.value, column, document.line_end).partition(document.line_end)
        old_end = max(start, old.end)
        if isinstance(old, ScalarSyntax) and old.style in ("|", ">") and new.strip()[:1] == old.style:
            yield trimmed(document.text, TextEdit(start, old_end, new + line_end + more))
            return
        yield trimmed(document.text, TextEdit(start, old_end, new))
        if more:  # behind a comment, which stays in the line of the key
            yield places.insert_at_line_end(document, old_end, line_end + more)

    def result(self, tree: Node) -> Node:
        return replace_at(tree, self.path, from_python(self.value, _NEW))


class AddKey(msgspec.Struct, frozen=True):
    """Adds a key to the map at ``path``: behind the key ``after``, or as the last one.

    The keys of a value that is a map get lines of their own, ``levels`` deep; others are written in brackets if short.
    """

    path: KeyPath
    key: str
    value: Any
    after: str | None = None
    levels: int = 0

    def edits(self, document: Document) -> Iterable[TextEdit]:
        node = _node(document, self.path)
        if isinstance(node, MapSyntax) and node.entries:
            if any(entry.key.value == self.key for entry in node.entries):
                raise Refused(f"`{dotted((*self.path, self.key))}` exists already")
            index = next((i for i, entry in enumerate(node.entries) if entry.key.value == self.after), None)
            index = len(node.entries) - 1 if index is None else index
            return places.add_entry(document, node, self.key, self.value, index, self.levels)
        parent = document.entry(self.path) if self.path else None
        if not (isinstance(node, MapSyntax) or (isinstance(node, ScalarSyntax) and not node.style)):
            raise Refused(f"`{dotted(self.path)}` is not a map")
        if parent is None or _in_flow(document, self.path[:-1]):
            return SetValue(self.path, {self.key: self.value}).edits(document)
        return places.first_entry(document, parent, self.key, self.value, self.levels)

    def result(self, tree: Node) -> Node:
        node = at(tree, self.path)
        entries: dict[str, Node] = {}
        old = node.entries if isinstance(node, MapNode) else {}
        for key, value in old.items():
            entries[key] = value
            if key == self.after:
                entries[self.key] = from_python(self.value, _NEW)
        entries.setdefault(self.key, from_python(self.value, _NEW))
        return replace_at(tree, self.path, _map(entries))


class RemoveKey(msgspec.Struct, frozen=True):
    """Removes a key with its value. A map without other keys becomes `{}`."""

    path: KeyPath

    def edits(self, document: Document) -> Iterable[TextEdit]:
        node = _node(document, self.path[:-1])
        index = _index(node, self.path)
        assert isinstance(node, MapSyntax)
        return _remove(document, self.path[:-1], node, index, "{}")

    def result(self, tree: Node) -> Node:
        node = at(tree, self.path[:-1])
        assert isinstance(node, MapNode)
        rest = {key: value for key, value in node.entries.items() if key != self.path[-1]}
        return replace_at(tree, self.path[:-1], _map(rest))


class RenameKey(msgspec.Struct, frozen=True):
    """Gives a key another name, at its place."""

    path: KeyPath
    to: str

    def edits(self, document: Document) -> Iterable[TextEdit]:
        node = _node(document, self.path[:-1])
        entry = _entry(document, self.path)
        assert isinstance(node, MapSyntax)
        if any(one.key.value == self.to for one in node.entries):
            raise Refused(f"`{dotted((*self.path[:-1], self.to))}` exists already")
        yield TextEdit(entry.key.start, entry.key.end, render.like(entry.key, self.to, node.flow))

    def result(self, tree: Node) -> Node:
        node = at(tree, self.path[:-1])
        assert isinstance(node, MapNode)
        renamed = {self.to if key == self.path[-1] else key: value for key, value in node.entries.items()}
        return replace_at(tree, self.path[:-1], _map(renamed))


class CopyKey(msgspec.Struct, frozen=True):
    """Adds a copy of an entry, with its comments, behind it under another key."""

    path: KeyPath
    to: str

    def edits(self, document: Document) -> Iterable[TextEdit]:
        node = _node(document, self.path[:-1])
        index = _index(node, self.path)
        assert isinstance(node, MapSyntax)
        if any(entry.key.value == self.to for entry in node.entries):
            raise Refused(f"`{dotted((*self.path[:-1], self.to))}` exists already")
        return places.copy_entry(document, node, index, self.to)

    def result(self, tree: Node) -> Node:
        node = at(tree, self.path[:-1])
        assert isinstance(node, MapNode)
        entries: dict[str, Node] = {}
        for key, value in node.entries.items():
            entries[key] = value
            if key == self.path[-1]:
                entries[self.to] = value
        return replace_at(tree, self.path[:-1], _map(entries))


class AddItem(msgspec.Struct, frozen=True):
    """Adds an item at the end of the list at ``path``. A single value becomes the first item of a list."""

    path: KeyPath
    value: Any

    def edits(self, document: Document) -> Iterable[TextEdit]:
        node = _node(document, self.path)
        if isinstance(node, ListSyntax) and node.items:
            return places.add_item(document, node, self.value)
        if isinstance(node, ListSyntax):
            return (TextEdit(node.start, node.end, f"[{render.in_flow(self.value)}]"),)
        if isinstance(node, ScalarSyntax) and node.style not in ("|", ">"):
            if not document.text[node.start : node.end]:
                return SetValue(self.path, [self.value]).edits(document)
            return (
                TextEdit(node.start, node.start, "["),
                TextEdit(node.end, node.end, f", {render.in_flow(self.value)}]"),
            )
        raise Refused(f"`{dotted(self.path)}` is not a list")

    def result(self, tree: Node) -> Node:
        node = at(tree, self.path)
        assert node is not None
        if isinstance(node, ListNode):
            items = node.items
        else:
            items = () if not isinstance(node, MapNode) and node.value is None else (node,)
        return replace_at(tree, self.path, list_node((*items, from_python(self.value, _NEW)), _NEW))


class RemoveItem(msgspec.Struct, frozen=True):
    """Removes an item of a list; ``path`` ends with its index."""

    path: KeyPath

    def edits(self, document: Document) -> Iterable[TextEdit]:
        node = _node(document, self.path[:-1])
        index = _index(node, self.path)
        assert isinstance(node, ListSyntax)
        return _remove(document, self.path[:-1], node, index, "[]")

    def result(self, tree: Node) -> Node:
        node, index = at(tree, self.path[:-1]), self.path[-1]
        assert isinstance(node, ListNode) and isinstance(index, int)
        return replace_at(tree, self.path[:-1], list_node((*node.items[:index], *node.items[index + 1 :]), _NEW))


def _remove(
    document: Document, path: KeyPath, node: MapSyntax | ListSyntax, index: int, empty: str
) -> Iterable[TextEdit]:
    if len(places.parts(node)) > 1 or node.flow:
        return places.remove(document, node, index)
    parent = document.entry(path) if path and isinstance(path[-1], str) else None
    if parent is None:
        raise Refused("it is the only key of its map; change the text")
    return places.remove_last(document, parent, empty)


def _node(document: Document, path: KeyPath) -> Syntax:
    node = document.at(path)
    if node is None:
        raise Refused(f"`{dotted(path)}` is not written in this file, or comes from an alias")
    if isinstance(node, AliasSyntax):
        raise Refused(f"`{dotted(path)}` is an alias; change the text")
    return node


def _entry(document: Document, path: KeyPath) -> Entry:
    entry = document.entry(path)
    if entry is None:
        raise Refused(f"`{dotted(path)}` is not written in this file, or comes from an alias")
    return entry


def _index(node: Syntax, path: KeyPath) -> int:
    """The index of the entry or item at the end of a path. Raises ``Refused`` if there is none."""
    step = path[-1]
    if isinstance(node, MapSyntax):
        found = [number for number, entry in enumerate(node.entries) if entry.key.value == str(step)]
        if found:
            return found[0]
    if isinstance(node, ListSyntax) and isinstance(step, int) and 0 <= step < len(node.items):
        return step
    raise Refused(f"`{dotted(path)}` is not written in this file")


def _in_flow(document: Document, path: KeyPath) -> bool:
    """Whether the collection at a path is in brackets, or in one that is."""
    node = document.at(path)
    return isinstance(node, (MapSyntax, ListSyntax)) and node.flow


def _is_text(node: Syntax) -> TypeGuard[ScalarSyntax]:
    return isinstance(node, ScalarSyntax) and node.style not in ("|", ">")


def _has_lines(old: Syntax, value: Any) -> bool:
    """Whether a text has several lines, and is not in double quotes now."""
    return isinstance(value, str) and "\n" in value and isinstance(old, ScalarSyntax) and old.style != '"'


def _apart(document: Document, old: Syntax, text: str) -> str:
    """The text, after a space if it replaces nothing directly behind a colon or a dash."""
    bare = old.start == old.end and document.text[old.start - 1 : old.start] in (":", "-")
    return f" {text}" if bare else text


def _block_place(document: Document, path: KeyPath) -> tuple[int, int, Callable[[Any, int, str], str]]:
    """Where the value of a key or item in block style begins, the column of its line, and what writes it."""
    if isinstance(path[-1], str):
        entry = _entry(document, path)
        return places.after_colon(document, entry), document.column(entry.key.start), render.after_key
    node = document.at(path[:-1])
    assert isinstance(node, ListSyntax)
    dash = node.dashes[path[-1]]
    return dash + 1, document.column(dash), render.after_dash


def _map(entries: dict[str, Node]) -> MapNode:
    return map_node(entries, dict.fromkeys(entries, _NEW), _NEW)
