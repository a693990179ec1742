"""A piece of a pod laid over a pod, as Kubernetes itself merges (its strategic merge patch).

Works on plain JSON, since it is asked twice: when a job is checked, on what policies look at, and when its
task is built, on the pod as a whole. Which lists merge by which key is said in ``kubernetes.schema.json``.
"""

from __future__ import annotations

from typing import Any

from dag_factory.config.model import Fragment
from dag_factory.config.schema.annotations import Shape, shape

DIRECTIVE = "$patch"


def apply_patch(pod: Fragment, patch: Fragment) -> Fragment:
    """``patch`` laid over ``pod``: null takes a key away, ``$patch: delete`` an item; neither is changed."""
    return _maps(pod, patch, shape("kubernetes.schema.json", "/$defs/podPatch"))


def _laid(low: Any, high: Any, where: Shape) -> Any:
    if isinstance(high, dict):
        return _maps(low if isinstance(low, dict) else {}, high, where)
    if isinstance(high, list):
        return _lists(low if isinstance(low, list) else [], high, where)
    return high


def _maps(low: Fragment, high: Fragment, where: Shape) -> Fragment:
    said = {key: value for key, value in high.items() if key != DIRECTIVE}
    if high.get(DIRECTIVE) == "replace":
        low = {}
    # A volume that comes from elsewhere, or a variable, has no second source beside the new one.
    merged = {key: value for key, value in low.items() if where.merge != "retain" or key in said}
    for key, value in said.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _laid(merged.get(key), value, where.child(key))
    return merged


def _lists(low: list[Any], high: list[Any], where: Shape) -> list[Any]:
    if not where.merge.startswith("key:"):
        return [_laid(None, item, where.items) for item in high]
    name = where.merge.removeprefix("key:")
    items = {item.get(name): item for item in low}
    for item in high:
        key = item.get(name)
        if key is None:  # it was wrong and is taken out: told already
            continue
        if item.get(DIRECTIVE) == "delete":
            items.pop(key, None)
        else:
            items[key] = _laid(items.get(key), item, where.items)
    return list(items.values())
