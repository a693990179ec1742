"""Merge a part of a pod into a pod as Kubernetes does (strategic merge patch).

It works on plain JSON because it runs twice: when a job is checked, and when its task is built. Which lists merge by
which key is in ``kubernetes.schema.json``.
"""

from __future__ import annotations

from typing import Any

from dag_factory.config.model import Fragment
from dag_factory.config.schema.annotations import Shape, shape

DIRECTIVE = "$patch"


def apply_patch(pod: Fragment, patch: Fragment) -> Fragment:
    """Merge ``patch`` into a copy of ``pod``. Null removes a key, and ``$patch: delete`` removes an item."""
    return _merge_maps(pod, patch, shape("kubernetes.schema.json", "/$defs/podPatch"))


def _merge(low: Any, high: Any, field: Shape) -> Any:
    if isinstance(high, dict):
        return _merge_maps(low if isinstance(low, dict) else {}, high, field)
    if isinstance(high, list):
        return _merge_lists(low if isinstance(low, list) else [], high, field)
    return high


def _merge_maps(low: Fragment, high: Fragment, field: Shape) -> Fragment:
    entries = {key: value for key, value in high.items() if key != DIRECTIVE}
    if high.get(DIRECTIVE) == "replace":
        low = {}
    # A volume or a variable has one source: a new source replaces the old one, whatever its key.
    merged = {key: value for key, value in low.items() if field.merge != "retain" or key in entries}
    for key, value in entries.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value, field.child(key))
    return merged


def _merge_lists(low: list[Any], high: list[Any], field: Shape) -> list[Any]:
    if not field.merge.startswith("key:"):
        return [_merge(None, item, field.items) for item in high]
    name = field.merge.removeprefix("key:")
    items = {item.get(name): item for item in low}
    for item in high:
        key = item.get(name)
        if key is None:  # removed because of an error that is reported already
            continue
        if item.get(DIRECTIVE) == "delete":
            items.pop(key, None)
        else:
            items[key] = _merge(items.get(key), item, field.items)
    return list(items.values())
