"""The edits of one file: which values of two revisions differ, with their positions on both sides."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import msgspec

from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, to_python


class Edit(msgspec.Struct, frozen=True):
    """One edited value on one side. In a template, which is text, the path is empty."""

    path: KeyPath
    position: Position


class Edits(msgspec.Struct, frozen=True):
    """The edits of a file on one side, in the order of the file.

    ``places`` has the edit at each line and column of an edited value, and the first edit of a map or a list at its
    key. In a template, ``lines`` are the edited lines.
    """

    all: tuple[Edit, ...] = ()
    places: dict[tuple[int, int], Edit] = {}
    lines: frozenset[int] = frozenset()

    def at(self, position: Position) -> Edit | None:
        """The edit at a position, or at its line if it has no column."""
        if position.line in self.lines:
            return Edit((), Position(position.file, position.line, position.column or 1))
        if position.column:
            return self.places.get((position.line, position.column))
        return next((edit for edit in self.all if edit.position.line == position.line), None)

    def below(self, *path: str | int) -> Edit | None:
        """The first edit at or below a path."""
        return next((edit for edit in self.all if edit.path[: len(path)] == path), None)


NO_EDITS = Edits()


def compare_trees(before: Node | None, after: Node | None) -> tuple[Edits, Edits]:
    """The edits of a YAML file on both sides. None is a file that does not exist."""
    if before is after:
        return NO_EDITS, NO_EDITS
    walk = _Walk()
    walk.compare(before, after, ())
    return walk.edits(0), walk.edits(1)


def compare_texts(before: str, after: str, file: str) -> tuple[Edits, Edits]:
    """The edited lines of a template on both sides."""
    if before == after:
        return NO_EDITS, NO_EDITS
    old, new = before.split("\n"), after.split("\n")
    lines: tuple[set[int], set[int]] = (set(), set())
    for kind, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if kind != "equal":
            lines[0].update(range(first + 1, last + 1))
            lines[1].update(range(new_first + 1, new_last + 1))
    found = [
        Edits(tuple(Edit((), Position(file, line, 1)) for line in sorted(side)), {}, frozenset(side)) for side in lines
    ]
    return found[0], found[1]


class _Walk:
    """Compares two trees and collects the edits of both sides, which are numbered 0 and 1."""

    def __init__(self) -> None:
        self._all: tuple[list[Edit], list[Edit]] = ([], [])
        self._places: tuple[dict[tuple[int, int], Edit], ...] = ({}, {})

    def edits(self, side: int) -> Edits:
        return Edits(tuple(self._all[side]), self._places[side])

    def compare(self, old: Node | None, new: Node | None, path: KeyPath) -> None:
        if old is new or (isinstance(old, Scalar) and isinstance(new, Scalar) and _same(old, new)):
            return
        if isinstance(old, MapNode) and isinstance(new, MapNode):
            for key in {**old.entries, **new.entries}:
                self._entry(old, new, key, (*path, key))
        elif isinstance(old, ListNode) and isinstance(new, ListNode):
            for index, (one, other) in enumerate(_pair_items(old.items, new.items)):
                self.compare(one, other, (*path, index))
        else:
            positions = _text_positions(old, new)
            for side, node in enumerate((old, new)):
                if node is not None:
                    self._whole(side, node, path, positions[side])

    def _entry(self, old: MapNode, new: MapNode, key: str, path: KeyPath) -> None:
        counts = [len(some) for some in self._all]
        self.compare(old.entries.get(key), new.entries.get(key), path)
        for side, node in enumerate((old, new)):
            if key in node.entries and len(self._all[side]) > counts[side]:
                self._place(side, node.keys.get(key), self._all[side][counts[side]])

    def _whole(self, side: int, node: Node, path: KeyPath, position: Position | None = None) -> None:
        """Every value of a tree that only one side has, or that is another one on the other side."""
        edit = Edit(path, position or node.position)
        self._all[side].append(edit)
        self._place(side, node.position, edit)
        for step, key_position, inner in _children(node):
            count = len(self._all[side])
            self._whole(side, inner, (*path, step))
            self._place(side, key_position, self._all[side][count])

    def _place(self, side: int, position: Position | None, edit: Edit) -> None:
        if position is not None:
            self._places[side].setdefault((position.line, position.column), edit)


def _same(old: Scalar, new: Scalar) -> bool:
    return type(old.value) is type(new.value) and old.value == new.value and old.text == new.text


def _children(node: Node) -> Iterator[tuple[str | int, Position | None, Node]]:
    if isinstance(node, MapNode):
        for key, inner in node.entries.items():
            yield key, node.keys.get(key), inner
    elif isinstance(node, ListNode):
        for index, inner in enumerate(node.items):
            yield index, None, inner


def _text_positions(old: Node | None, new: Node | None) -> tuple[Position | None, Position | None]:
    """In two block texts, the first line that differs."""
    if not (isinstance(old, Scalar) and isinstance(new, Scalar) and old.block and new.block):
        return None, None
    lines = old.text.split("\n"), new.text.split("\n")
    common = 0
    while common < min(map(len, lines)) and lines[0][common] == lines[1][common]:
        common += 1
    first, second = (node.line(min(common + 1, len(some))) for node, some in zip((old, new), lines, strict=True))
    return first, second


def _pair_items(old: tuple[Node, ...], new: tuple[Node, ...]) -> Iterator[tuple[Node | None, Node | None]]:
    """Pairs of the items of two lists: equal items belong together, the others by their order."""
    texts = [[repr(to_python(item)) for item in items] for items in (old, new)]
    matcher = difflib.SequenceMatcher(None, texts[0], texts[1], False)
    for kind, first, last, new_first, new_last in matcher.get_opcodes():
        if kind != "equal":
            for index in range(max(last - first, new_last - new_first)):
                yield (
                    old[first + index] if first + index < last else None,
                    new[new_first + index] if new_first + index < new_last else None,
                )
