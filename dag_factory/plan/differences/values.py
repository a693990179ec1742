"""The differences of two JSON values, each with its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.explain.field_paths import KEYS, join
from dag_factory.plan.model import ABSENT, FieldChange


def differences(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    """Yield each value that differs. ``ABSENT`` stands for a missing value; a missing map is an empty one."""
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _maps(path, before, after)
    elif isinstance(after, dict) and after and before is ABSENT:
        yield from _maps(path, {}, after)
    elif isinstance(before, dict) and before and after is ABSENT:
        yield from _maps(path, before, {})
    elif (key := _key(path, before, after)) is not None:
        yield from _lists(path, key, _items(before, key), _items(after, key))
    elif not _same(before, after):
        yield FieldChange(path, before, after)


def plain(value: Any) -> Any:
    """A model as JSON, with all fields, except that a field without a value is missing."""
    if isinstance(value, msgspec.Struct):
        fields = ((name, plain(getattr(value, name))) for name in value.__struct_fields__)
        return {name: item for name, item in fields if item is not ABSENT}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return ABSENT if value is None else value


def _maps(path: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[FieldChange]:
    for key in {**before, **after}:
        yield from differences(join(path, key), before.get(key, ABSENT), after.get(key, ABSENT))


def _lists(path: str, key: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[FieldChange]:
    for name in {**before, **after}:
        yield from _item(f"{path}[{name}]", key, before.get(name, ABSENT), after.get(name, ABSENT))
    common = [[name for name in one if name in other] for one, other in ((before, after), (after, before))]
    if common[0] != common[1]:
        yield FieldChange(path, list(before), list(after))


def _item(path: str, key: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if before is not ABSENT and after is not ABSENT:
        yield from differences(path, before, after)
        return
    there = after if before is ABSENT else before
    rest = {name: value for name, value in there.items() if name != key}
    if list(rest) in (["value"], ["valueFrom"]):
        yield from differences(path, {} if before is ABSENT else rest, {} if after is ABSENT else rest)
    else:
        yield FieldChange(path, before, after)


def _key(path: str, before: Any, after: Any) -> str | None:
    """The key that names the items of both lists, if each item has one and no two are equal."""
    key = KEYS.get(path.rpartition(".")[2])
    if key is None or not (isinstance(before, list) or isinstance(after, list)):
        return None
    for value in (before, after):
        if value is ABSENT:
            continue
        if not isinstance(value, list) or not all(isinstance(item, dict) and key in item for item in value):
            return None
        if len({str(item[key]) for item in value}) < len(value):
            return None
    return key


def _items(value: Any, key: str) -> dict[str, Any]:
    return {} if value is ABSENT else {str(item[key]): item for item in value}


def _same(before: Any, after: Any) -> bool:
    """Whether two values are equal; ``1``, ``1.0`` and ``true`` are not."""
    if type(before) is not type(after):
        return False
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_same(item, after[key]) for key, item in before.items())
    if isinstance(before, list):
        return len(before) == len(after) and all(map(_same, before, after))
    return bool(before == after)
