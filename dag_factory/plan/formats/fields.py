"""One changed value as an item: a readable name, the values before and after, or the changed lines of a text."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dag_factory.plan.formats.outline import Item, Piece, count, name, words
from dag_factory.plan.formats.visible import cut
from dag_factory.plan.model import Absent, FieldChange

_MAIN_CONTAINER = re.compile(r"spec\.containers\[(?:0|base)\]\.(?=.)")
_GUARD = re.compile(r"((?:images|max|flavors|require|pod_security|limits)(?:\..+?)?)(?:\.most|\.words)?\Z", re.DOTALL)
"""What an environment or a team allows. It changes no job by itself."""
_RESOURCE = re.compile(r"resources\.(request|limit)s(?:\.([\w-]+)|\[\"?([^\"\]]+)\"?\])")
_NEEDS_QUOTES = re.compile(r"\Z|\s|[\[{\"']|.*[\t\n\r]|.*\s\Z", re.DOTALL)
_COMMAND = re.compile(r"(.*\.)command\Z", re.DOTALL)
_SCRIPT_ITEMS = 3  # the shell, its option, and the script
_SHORT_LIST = 60  # characters
_MANY_ITEMS = 10
_LONGEST_VALUE = 120
_DIFF_LINES = 24


def field_items(changes: Iterable[FieldChange]) -> tuple[Item, ...]:
    """Return one item for each change; a request and a limit with the same values are one."""
    return tuple(_item(label, change) for label, change in _labeled([one for each in changes for one in _split(each)]))


def field_pieces(changes: Iterable[FieldChange]) -> tuple[Piece, ...]:
    """Return all changes in one line."""
    pieces: list[Piece] = []
    for label, change in _labeled(tuple(changes)):
        pieces += [words(", ")] if pieces else []
        pieces += _change(label, change)
    return tuple(pieces)


def is_limit(change: FieldChange) -> bool:
    """Return whether a change is about a limit of an environment or a team, which changes no job by itself."""
    return label(change.path).startswith("limit ")


def label(path: str) -> str:
    """Return a short name for the path of a pod: that of the main container without its prefix."""
    short = _MAIN_CONTAINER.sub("", path, count=1) if _MAIN_CONTAINER.match(path) else path
    if guard := _GUARD.fullmatch(short):
        return f"limit {guard[1]}"
    resource = _RESOURCE.fullmatch(short)
    return f"{resource[2] or resource[3]} {resource[1]}" if resource else short


def value_text(value: Any) -> str:
    """Return a value in one line. Text without quotes only if it is simple; other values as in JSON."""
    if isinstance(value, str) and not _NEEDS_QUOTES.match(value):
        return cut(value, _LONGEST_VALUE)
    return _json(value)


def _json(value: Any) -> str:
    return cut(json.dumps(value, ensure_ascii=False, default=str), _LONGEST_VALUE)


def _labeled(changes: Sequence[FieldChange]) -> list[tuple[str, FieldChange]]:
    labels = {label(change.path): change for change in changes}
    found: list[tuple[str, FieldChange]] = []
    for one, change in labels.items():
        resource, _, kind = one.rpartition(" ")
        other = labels.get(f"{resource} {'limit' if kind == 'request' else 'request'}") if resource else None
        if other is None or (other.before, other.after) != (change.before, change.after):
            found.append((one, change))
        elif kind == "limit":
            found.append((resource, change))
    return found


def _split(change: FieldChange) -> Iterator[FieldChange]:
    """Yield the items of a list that differ, if the list is long or one of them is a text of several lines."""
    before, after = change.before, change.after
    if not (isinstance(before, list) and isinstance(after, list) and len(before) == len(after)):
        yield change
        return
    differ = [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    has_lines = any("\n" in str(side[number]) for number in differ for side in (before, after))
    is_short = max(len(_json(before)), len(_json(after))) < _SHORT_LIST
    if (is_short and not has_lines) or len(differ) > _MANY_ITEMS:
        yield change
        return
    is_script = len(before) == _SCRIPT_ITEMS and differ == [_SCRIPT_ITEMS - 1] and str(before[1]).startswith("-")
    for number in differ:
        path = _COMMAND.sub(r"\1script", change.path) if is_script else f"{change.path}[{number}]"
        yield FieldChange(path, before[number], after[number])


def _item(label: str, change: FieldChange) -> Item:
    before, after = change.before, change.after
    if not _is_text(before) or not _is_text(after) or "\n" not in f"{before}{after}".rstrip("\n"):
        return Item(_change(label, change))
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    what = words(f": {count(added, 'line')} added, {count(removed, 'line')} removed")
    shown = tuple(cut(line, _LONGEST_VALUE) for line in lines if not line.startswith("@@"))
    if not shown:
        return Item((name(label), words(": only the line ends differ")))
    if len(shown) > _DIFF_LINES + 2:
        shown = (*shown[:_DIFF_LINES], f" … and {count(len(shown) - _DIFF_LINES, 'more line')} of the difference")
    return Item((name(label), what), diff=shown)


def _change(label: str, change: FieldChange) -> tuple[Piece, ...]:
    before, after = value_text(change.before), value_text(change.after)
    if before == after:  # such as the text "1" and the number 1
        before, after = _json(change.before), _json(change.after)
    if isinstance(change.before, Absent):
        return (name(label), words(" is set to "), name(after, "added"))
    if isinstance(change.after, Absent):
        return (name(label), words(" "), name(before, "removed"), words(" is removed"))
    return (name(label), words(" "), name(before, "removed"), words(" → "), name(after, "added"))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
