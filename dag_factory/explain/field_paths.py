"""The notation of paths: ``spec.containers[base].env[RUN].value``, and ``retries.retries`` or ``labels[a/b]``.

An item of a list of Kubernetes has the name of its item, or its index if its items have no names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dag_factory.config.positions import KeyPath

KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "env": "name",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "ports": "containerPort",
}
"""The lists of a pod whose items have a name: an item is shown by it, not by its index."""
_LANGUAGE_KEYS = ("name", "mount_path")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TOKEN = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


def join(path: str, step: str) -> str:
    """The path of a key in a map: ``a.b``, or ``a[b/c]`` if the key is not a plain word."""
    return f"{path}.{step}".lstrip(".") if _PLAIN.fullmatch(step) else f"{path}[{step}]"


def leaves(value: Any, text: str = "", path: KeyPath = ()) -> Iterator[tuple[str, KeyPath, Any]]:
    """Every single value of JSON with its path as text and as steps. An empty map or list is one value."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, join(text, str(key)), (*path, str(key)))
    elif isinstance(value, list) and value:
        key = _item_key(path, value)
        for index, item in enumerate(value):
            yield from leaves(item, f"{text}[{item[key] if key else index}]", (*path, index))
    else:
        yield text, path, value


def parse_path(text: str, value: Any) -> KeyPath | None:
    """The steps of a path in JSON; None if it leads nowhere. A key may contain dots: the longest key that fits wins."""
    return _parse(tokens(text), value)


def steps_of(text: str) -> KeyPath:
    """The steps of a path as it is written, with whole numbers as indexes."""
    return tuple(int(token) if token.isdecimal() else token for token in tokens(text))


def tokens(text: str) -> list[str]:
    """The steps of a path as text: ``spec.containers[base].env[A]`` has five."""
    return [index or key for index, key in _TOKEN.findall(text)]


def _parse(tokens: list[str], value: Any, path: KeyPath = ()) -> KeyPath | None:
    if not tokens:
        return path
    if isinstance(value, dict):
        for length in range(len(tokens), 0, -1):
            key = ".".join(tokens[:length])
            if key in value:
                found = _parse(tokens[length:], value[key], (*path, key))
                if found is not None:
                    return found
        return None
    if isinstance(value, list):
        index = _find_item(tokens[0], value, path)
        return None if index is None else _parse(tokens[1:], value[index], (*path, index))
    return None


def _find_item(token: str, items: list[Any], path: KeyPath) -> int | None:
    key = _item_key(path, items)
    names = (key,) if key else _LANGUAGE_KEYS
    for name in names:
        for index, item in enumerate(items):
            if isinstance(item, dict) and str(item.get(name)) == token:
                return index
    return int(token) if token.isdecimal() and int(token) < len(items) else None


def _item_key(path: KeyPath, items: list[Any]) -> str | None:
    """The key that names the items of a list, if each item has one and no two are equal."""
    key = KEYS.get(str(path[-1])) if path else None
    if key is None or not all(isinstance(item, dict) and key in item for item in items):
        return None
    return key if len({str(item[key]) for item in items}) == len(items) else None
