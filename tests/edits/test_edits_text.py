"""What an edit leaves as it is: comments, quotes, order, line ends; and what is refused."""

from __future__ import annotations

import pytest

from dag_factory.edits.change import change
from dag_factory.edits.operations import (
    AddItem,
    AddKey,
    CopyKey,
    Operation,
    Refused,
    RemoveItem,
    RemoveKey,
    RenameKey,
    SetValue,
)

CASES: tuple[tuple[str, Operation, str], ...] = (
    ("a: 1 # one\n", SetValue(("a",), 2), "a: 2 # one\n"),
    ("a: 'x'   # c\n", SetValue(("a",), "it's"), "a: 'it''s'   # c\n"),
    ('a: "x"\n', SetValue(("a",), "y"), 'a: "y"\n'),
    ("a: text, with commas\n", SetValue(("a",), "other text, with commas"), "a: other text, with commas\n"),
    ("a: 5m\n", SetValue(("a",), "1.0"), 'a: "1.0"\n'),
    ("a:\nb: 1\n", SetValue(("a",), "x"), "a: x\nb: 1\n"),
    ("a: {b: , c: 1}\n", SetValue(("a", "b"), 2), "a: {b: 2, c: 1}\n"),
    ("a:\n  - x\n  -\n", SetValue(("a", 1), "y"), "a:\n  - x\n  - y\n"),
    ("a: |  # code\n  one\n\nb: 1\n", SetValue(("a",), "two\nlines\n"), "a: |\n  two\n  lines\n\nb: 1\n"),
    ("a: one # c\n", SetValue(("a",), "two\nlines\n"), "a: | # c\n  two\n  lines\n"),
    ("a: 1\r\nb: 2\r\n", AddKey((), "c", {"d": {"e": 1}}), "a: 1\r\nb: 2\r\nc:\r\n  d: {e: 1}\r\n"),
    ("a:\n    b: 1 # c\n", AddKey(("a",), "d", [1, 2]), "a:\n    b: 1 # c\n    d: [1, 2]\n"),
    ("a: {b: 1} # c\n", AddKey(("a",), "d", 2), "a: {b: 1, d: 2} # c\n"),
    ("a: {}\n", AddKey(("a",), "d", 2), "a:\n  d: 2\n"),
    ("a: # c\nb: 1\n", AddKey(("a",), "d", 2), "a: # c\n  d: 2\nb: 1\n"),
    ("a: 1\nb: 2\n", AddKey((), "c", 3, after="a"), "a: 1\nc: 3\nb: 2\n"),
    ("a: 1", AddKey((), "b", "x\ny\n"), "a: 1\nb: |\n  x\n  y\n"),
    ("a:\n  b: 1\n\n  c: 2\n", AddKey(("a",), "d", 3), "a:\n  b: 1\n\n  c: 2\n\n  d: 3\n"),
    ("a: [x] # c\n", AddItem(("a",), "y"), "a: [x, y] # c\n"),
    ("a: []\n", AddItem(("a",), "y"), "a: [y]\n"),
    ("a: x\n", AddItem(("a",), "y"), "a: [x, y]\n"),
    ("a:\n- x # c\nb: 1\n", AddItem(("a",), "y"), "a:\n- x # c\n- y\nb: 1\n"),
    ("a: [\n  x,  # c\n]\n", AddItem(("a",), "y"), "a: [\n  x,  # c\n  y,\n]\n"),
    ("a: [\n  x  # c\n]\n", AddItem(("a",), "y"), "a: [\n  x,  # c\n  y\n]\n"),
    ("# a\na: 1\n# b\nb: 2 # two\nc: 3\n", RemoveKey(("b",)), "# a\na: 1\n# b\nc: 3\n"),
    ("a: 1\n\nb: 2\n\nc: 3\n", RemoveKey(("b",)), "a: 1\n\nc: 3\n"),
    ("a: {b: 1, c: 2}\n", RemoveKey(("a", "b")), "a: {c: 2}\n"),
    ("a: {b: 1, c: 2}\n", RemoveKey(("a", "c")), "a: {b: 1}\n"),
    ("a:\n  b: 1\nc: 2\n", RemoveKey(("a", "b")), "a: {}\nc: 2\n"),
    ("a:\n  b: 1", RemoveKey(("a", "b")), "a: {}"),
    ("a:\n  - b: 1\n    c: 2\n", RemoveKey(("a", 0, "b")), "a:\n  - c: 2\n"),
    ("a:\n  - x\n  # y\n  - y # c\n  - z\n", RemoveItem(("a", 1)), "a:\n  - x\n  # y\n  - z\n"),
    ("a: [x, y]\n", RemoveItem(("a", 1)), "a: [x]\n"),
    ("a: [\n  x, # x\n  y, # y\n]\n", RemoveItem(("a", 1)), "a: [\n  x, # x\n]\n"),
    ("'a': 1\n", RenameKey(("a",), "b"), "'b': 1\n"),
    ("a: # c\n  b: 1 # d\ne: 2\n", CopyKey(("a",), "f"), "a: # c\n  b: 1 # d\nf: # c\n  b: 1 # d\ne: 2\n"),
)


@pytest.mark.parametrize("text, operation, expected", CASES, ids=map(str, range(len(CASES))))
def test_the_rest_of_the_text_stays(text: str, operation: Operation, expected: str) -> None:
    assert change(text, [operation]).text == expected


REFUSALS: tuple[tuple[str, Operation, str], ...] = (
    ("a: &x {b: 1}\nc: *x\n", SetValue(("a", "b"), 2), "would break"),
    ("a: &x 1\nc: *x\n", SetValue(("c",), 2), "is an alias"),
    ("a: &x {b: 1}\nc: *x\n", SetValue(("c", "b"), 2), "comes from an alias"),
    ("a: 1\nb: 2\n", RenameKey(("a",), "b"), "`b` exists already"),
    ("a: 1\nb: 2\n", AddKey((), "a", 2), "`a` exists already"),
    ("a: 1\n", RemoveKey(("a",)), "the only key"),
    ("a: 1\n", RemoveKey(("b",)), "`b` is not written in this file"),
    ("a: 1\n", CopyKey(("b",), "c"), "`b` is not written in this file"),
    ("a: [1]\n", RemoveItem(("a", 1)), "not written in this file"),
    ("a: [1]\n", RemoveItem(("a", -1)), "not written in this file"),
    ("a: 1\n", SetValue(("a", "b"), 1), "not written in this file"),
    ("a: [\n", SetValue(("a",), 2), "cannot be read"),
    ("", AddKey((), "a", 2), "the file is empty"),
    ("a: 1\n---\nb: 2\n", SetValue(("a",), 2), "more than one document"),
)


@pytest.mark.parametrize("text, operation, reason", REFUSALS, ids=map(str, range(len(REFUSALS))))
def test_what_an_edit_would_break_is_refused(text: str, operation: Operation, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        change(text, [operation])
