"""Which problems a fix only makes visible.

An error can hide others: some checks need a pipeline without errors. A problem that appears with a fix is older if it
also appears when the wrong key or item is removed instead: then it does not follow from the new text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.project.scratch_copy import scratch_copy
from dag_factory.config.project.survey import survey
from dag_factory.edits.change import change
from dag_factory.edits.document import ListSyntax, MapSyntax, ScalarSyntax, Syntax, Unreadable, parse
from dag_factory.edits.operations import Refused, RemoveItem, RemoveKey
from dag_factory.fixes.files import edited
from dag_factory.fixes.propose import Edit, Fix


def problems_without(
    home: Path,
    originals: dict[str, bytes],
    accepted: Iterable[Fix],
    fixes: Sequence[Fix],
    environments: Sequence[str],
) -> tuple[Problem, ...]:
    """The problems of the project if the wrong keys and items of some fixes are removed, and not corrected.

    ``originals`` are the bytes of the files before all fixes, ``accepted`` the fixes that stay. Empty if something
    cannot be removed: a file that is renamed, a text that is written in an unusual way.
    """
    done = [fix for fix in accepted if isinstance(fix, Edit)]
    wrong = [fix for fix in fixes if isinstance(fix, Edit)]
    if len(wrong) < len(fixes):
        return ()
    try:
        changed = {
            file: _without(
                originals[file],
                [one for one in done if one.file == file],
                [one for one in wrong if one.file == file],
            )
            for file in sorted({fix.file for fix in wrong})
        }
    except (Refused, Unreadable, UnicodeDecodeError, KeyError):
        return ()
    with scratch_copy(home, changed) as copy:
        return survey(copy, environments, original=home).problems


def _without(original: bytes, done: Sequence[Edit], wrong: Sequence[Edit]) -> bytes:
    """The file with the fixes that are done, and without the keys and items of the wrong ones."""
    data = edited(original, done)
    text = data.decode("utf-8")
    root = parse(text).root
    operations: dict[KeyPath, RemoveKey | RemoveItem] = {}
    for fix in wrong:
        moved = sum(len(one.new.encode()) - len(one.old.encode()) for one in done if one.start < fix.start)
        offset = len(data[: fix.start + moved].decode("utf-8"))
        path = _path_at(root, offset)
        operations[path] = RemoveItem(path) if isinstance(path[-1], int) else RemoveKey(path)
    return change(text, list(operations.values())).text.encode()


def _path_at(node: Syntax, offset: int, path: KeyPath = ()) -> KeyPath:
    """The path of the key or item whose key or single value has an offset. Raises ``Refused``."""
    if isinstance(node, MapSyntax):
        for entry in node.entries:
            if _has(entry.key, offset):
                return (*path, entry.key.value)
            if _has(entry.value, offset):
                return _path_at(entry.value, offset, (*path, entry.key.value))
    elif isinstance(node, ListSyntax):
        for index, item in enumerate(node.items):
            if _has(item, offset):
                return _path_at(item, offset, (*path, index))
    elif isinstance(node, ScalarSyntax) and path:
        return path
    raise Refused("the value has no key and is no item")


def _has(node: Syntax, offset: int) -> bool:
    return node.start <= offset < node.end
