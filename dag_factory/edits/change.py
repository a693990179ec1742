"""A checked change of a YAML text: the edits of some operations, tried and compared with what the operations mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from dag_factory.config.source.yaml_reader import read
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar
from dag_factory.edits.document import Unreadable, parse
from dag_factory.edits.operations import Operation, Refused
from dag_factory.edits.text_edit import Overlap, TextEdit, apply, in_order, invert


class Change(msgspec.Struct, frozen=True):
    """The edits of a text, in order, those that undo them, and the text afterwards."""

    edits: tuple[TextEdit, ...]
    undo: tuple[TextEdit, ...]
    text: str


def change(text: str, operations: Sequence[Operation]) -> Change:
    """Change a text by operations whose paths are those of the text before. Raises ``Refused``.

    The changed text is read again. If a value differs from what the operations mean, for example because an alias
    repeats what was changed, nothing is changed.
    """
    try:
        document = parse(text)
    except Unreadable as failure:
        raise Refused(f"the text cannot be read: {failure}") from failure
    try:
        edits = in_order(edit for operation in operations for edit in operation.edits(document))
    except Overlap as failure:
        raise Refused("the changes overlap; make one after the other") from failure
    changed = apply(text, edits)
    before, problems = read(text, "")
    after, problems_after = read(changed, "")
    if before is None:
        raise Refused(f"the text cannot be read: {problems[0].message}")
    expected = before
    for operation in _from_the_end(operations):
        expected = operation.result(expected)
    same = Counter(problem.code for problem in problems) == Counter(problem.code for problem in problems_after)
    if after is None or not same or not equal(expected, after):
        raise Refused("the text around it is written in a way that this edit would break; change the text")
    return Change(edits, invert(text, edits), changed)


def equal(one: Node, other: Node) -> bool:
    """Whether two trees have the same values, written alike, in the same order; positions do not count."""
    if isinstance(one, Scalar):
        if not isinstance(other, Scalar) or type(one.value) is not type(other.value):
            return False
        return one.value == other.value and (one.value is None or one.text == other.text)
    if isinstance(one, MapNode):
        return (
            isinstance(other, MapNode)
            and list(one.entries) == list(other.entries)
            and all(equal(value, other.entries[key]) for key, value in one.entries.items())
        )
    return (
        isinstance(other, ListNode) and len(one.items) == len(other.items) and all(map(equal, one.items, other.items))
    )


def _from_the_end(operations: Iterable[Operation]) -> list[Operation]:
    """The operations in an order in which none moves the path of a later one: items of lists from their end."""
    return sorted(operations, key=lambda operation: _key(operation), reverse=True)


def _key(operation: Operation) -> tuple[tuple[int, int | str], ...]:
    path = getattr(operation, "path", ())
    return tuple((0, step) if isinstance(step, int) else (1, step) for step in path)
