"""Random edits of all kinds of files: each one changes only what it declares, and means what it says."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
import yaml
from odd_files import ODD, corpus

from dag_factory.config.positions import KeyPath
from dag_factory.edits.change import Change, change
from dag_factory.edits.document import Document, ListSyntax, MapSyntax, Syntax, Unreadable, parse
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
from dag_factory.edits.text_edit import apply

EDITS = 2500
VALUES: tuple[Any, ...] = (
    *("x", "1.0", "a: b", "# no", "two\nlines\n", " lead", "", "yes", "null", "it's", 'say "hi"', "x, y", "*z", "&z"),
    *("- d", "größer", "{{ ds }}", "a\n\n\nb", "tail\n\n", True, None, 3, 2.5),
    *(["a", 1], {"k": "v"}, {"k": {"n": 1}}, [], {}),
)
TEXTS = dict(corpus())


@pytest.mark.parametrize("seed", range(4))
def test_10000_random_edits(seed: int) -> None:
    chance = random.Random(seed)
    texts = {name: text for name, text in TEXTS.items() if _is_readable(text)}
    names = sorted(texts)
    made: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    while made.total() + refused.total() < EDITS:
        name = chance.choice(names)
        document = parse(texts[name])
        operation = _random_operation(chance, document)
        if operation is None:
            continue
        kind = "odd" if name.removesuffix(", CRLF") in ODD else "ordinary"
        try:
            result = change(texts[name], [operation])
        except Refused:
            refused[kind] += 1
            continue
        made[kind] += 1
        _assert_small(document, operation, result)
        assert apply(result.text, result.undo) == texts[name]
    # An editor that refuses is of no use. Files with anchors or duplicate keys are the ones that it may refuse.
    assert refused["ordinary"] < 0.03 * made["ordinary"], refused
    assert refused["odd"] < 0.2 * made["odd"], refused


@pytest.mark.parametrize("name", TEXTS)
def test_each_value_has_its_range(name: str) -> None:
    text = TEXTS[name]
    if not _is_readable(text):
        return
    for _, node in _nodes(parse(text)):
        if isinstance(node, (MapSyntax, ListSyntax)) and node.flow:
            assert text[node.start : node.end][-1] in "}]"
        for start, end in _key_ranges(node):
            key = next(iter(yaml.load(f"{{? {text[start:end]} : 1}}", Loader=yaml.BaseLoader)))
            assert isinstance(node, MapSyntax) and key in {entry.key.value for entry in node.entries}


def _assert_small(document: Document, operation: Operation, result: Change) -> None:
    """The edits replace nothing outside of what the operation is about; what it adds replaces nothing."""
    if isinstance(operation, (AddKey, AddItem, CopyKey)):
        target = document.at(operation.path)
        is_empty = target is None or not (getattr(target, "entries", ()) or getattr(target, "items", ()))
        assert is_empty or all(edit.start == edit.end for edit in result.edits)
        return
    assert isinstance(operation, (SetValue, RemoveKey, RenameKey, RemoveItem))
    first, last = _lines_of(document, operation.path)
    removes = isinstance(operation, (RemoveKey, RemoveItem))
    for edit in result.edits:
        assert edit.start >= first
        assert edit.end <= last or (removes and not document.text[last : edit.end].strip(" \t\r\n,"))


def _lines_of(document: Document, path: KeyPath) -> tuple[int, int]:
    """From the end of what stands before a value or its key, to the end of its last line."""
    node = document.at(path)
    assert node is not None
    starts, ends = [0], [node.end]
    parent = document.at(path[:-1]) if path else None
    entry = document.entry(path) if path and isinstance(path[-1], str) else None
    ends.append(entry.key.end if entry else node.end)
    own = entry.key.start if entry else node.start
    if isinstance(parent, ListSyntax) and parent.dashes:
        own = parent.dashes[int(path[-1])]
    for _, other in _nodes(document):
        starts += (end for end in (other.end,) if end <= own)
    if isinstance(parent, MapSyntax):
        starts += (one.key.end for one in parent.entries if one.key.end <= own)
    end = max(ends)
    stops = [found for found in (document.text.find("\n", end), document.text.find("\r", end)) if found >= 0]
    stop = min(stops, default=len(document.text))
    return max(starts), stop + 2 * (stop < len(document.text))


def _random_operation(chance: random.Random, document: Document) -> Operation | None:
    path, node = chance.choice(_nodes(document))
    value = chance.choice(VALUES)
    is_key, is_item = path and isinstance(path[-1], str), path and isinstance(path[-1], int)
    match chance.randrange(7):
        case 0 if path:
            return SetValue(path, value)
        case 1 if isinstance(node, MapSyntax):
            after = chance.choice([None, *(entry.key.value for entry in node.entries)])
            return AddKey(path, chance.choice(("new", "a b", "x:y", "2")), value, after, chance.randrange(3))
        case 2 if is_key:
            return RemoveKey(path)
        case 3 if is_key:
            return RenameKey(path, chance.choice(("renamed", "a b", "1")))
        case 4 if is_key:
            return CopyKey(path, "copied")
        case 5 if isinstance(node, ListSyntax):
            return AddItem(path, value)
        case 6 if is_item:
            return RemoveItem(path)
    return None


def _nodes(document: Document) -> list[tuple[KeyPath, Syntax]]:
    found: list[tuple[KeyPath, Syntax]] = []

    def walk(node: Syntax, path: KeyPath) -> None:
        found.append((path, node))
        if isinstance(node, MapSyntax):
            for entry in node.entries:
                walk(entry.value, (*path, entry.key.value))
        elif isinstance(node, ListSyntax):
            for index, item in enumerate(node.items):
                walk(item, (*path, index))

    walk(document.root, ())
    return found


def _key_ranges(node: Syntax) -> list[tuple[int, int]]:
    return [(entry.key.start, entry.key.end) for entry in node.entries] if isinstance(node, MapSyntax) else []


def _is_readable(text: str) -> bool:
    try:
        parse(text)
    except Unreadable:
        return False
    return True
