"""The objects of the cluster in memory, with resource versions and a history from which watches resume.

Objects are the JSON bodies of the API. ``get`` and ``all`` do not copy them: to change an object, pass a new one to
``update``. All code of this module runs in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from . import clock

Object = dict[str, Any]

# The changes from which watches can resume.
_HISTORY = 5000
_HISTORY_SIZE = 64 * 1024 * 1024  # bytes of JSON


@dataclass(frozen=True)
class Change:
    type: str  # ADDED, MODIFIED, DELETED
    resource: str
    version: int
    object: Object
    before: Object | None = None
    size: int = 0  # bytes of JSON of the object


class Conflict(Exception):
    """The object exists already, or has changed since the version that an update is based on."""


class Missing(Exception):
    """The object does not exist."""


class Expired(Exception):
    """The history does not go back to the requested version."""


class Store:
    def __init__(self, version: int = 1000) -> None:
        self.version = version
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._history: deque[Change] = deque()
        self._history_size = 0
        self._oldest = version
        self._watchers: set[asyncio.Event] = set()
        self._listeners: list[Callable[[Change], None]] = []

    def add_listener(self, listener: Callable[[Change], None]) -> None:
        """Call ``listener`` synchronously at every change."""
        self._listeners.append(listener)

    def get(self, resource: str, namespace: str, name: str) -> Object:
        try:
            return self._objects[resource][namespace, name]
        except KeyError:
            raise Missing(f'{resource} "{name}" not found') from None

    def find(self, resource: str, namespace: str, name: str) -> Object | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def all(self, resource: str, namespace: str | None = None) -> list[Object]:
        """All objects of a resource, sorted by namespace and name. ``namespace`` None: of all namespaces."""
        found = self._objects.get(resource, {})
        return [found[key] for key in sorted(found) if namespace is None or key[0] == namespace]

    def create(self, resource: str, obj: Object) -> Object:
        """Store a new object and complete its metadata. Raises Conflict if the name is in use."""
        meta = obj["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        if key in self._objects.get(resource, {}):
            raise Conflict(f'{resource} "{meta["name"]}" already exists')
        created = {**obj, "metadata": {**meta, **identity(meta)}}
        return self._put("ADDED", resource, created, None)

    def update(self, resource: str, obj: Object) -> Object:
        """Replace an object. Raises Missing, or Conflict if it has another version or uid than the stored one."""
        meta = obj["metadata"]
        before = self.get(resource, meta.get("namespace", ""), meta["name"])
        version = meta.get("resourceVersion")
        if version and version != before["metadata"]["resourceVersion"]:
            raise Conflict(meta["name"])
        if meta.get("uid") and meta["uid"] != before["metadata"]["uid"]:
            raise Conflict(meta["name"])
        return self._put("MODIFIED", resource, obj, before)

    def delete(self, resource: str, namespace: str, name: str) -> Object:
        before = self.get(resource, namespace, name)
        del self._objects[resource][namespace, name]
        return self._put("DELETED", resource, before, before)

    def load(self, resource: str, obj: Object) -> None:
        """Restore an object of an earlier run, without a change event."""
        meta = obj["metadata"]
        self._objects.setdefault(resource, {})[meta.get("namespace", ""), meta["name"]] = obj
        self.advance_to(int(meta["resourceVersion"]))

    def advance_to(self, version: int) -> None:
        """Continue after this version of an earlier run. Older watches have to list again."""
        self.version = self._oldest = max(self.version, version)

    def changes_since(self, resource: str, version: int) -> list[Change]:
        """The changes of a resource after ``version``. Raises Expired if the version is older than the history."""
        if version < self._oldest:
            raise Expired(f"too old resource version: {version} ({self._oldest})")
        newer = takewhile(lambda change: change.version > version, reversed(self._history))
        return [change for change in newer if change.resource == resource][::-1]

    def watch(self) -> asyncio.Event:
        """An event that every change sets. Read the changes with ``changes_since``. End it with ``unwatch``."""
        subscription = asyncio.Event()
        self._watchers.add(subscription)
        return subscription

    def unwatch(self, subscription: asyncio.Event) -> None:
        self._watchers.discard(subscription)

    def _put(self, kind: str, resource: str, obj: Object, before: Object | None) -> Object:
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        meta = obj["metadata"]
        if kind != "DELETED":
            self._objects.setdefault(resource, {})[meta.get("namespace", ""), meta["name"]] = obj
        change = Change(kind, resource, self.version, obj, before, len(json.dumps(obj)))
        self._history.append(change)
        self._history_size += change.size
        while len(self._history) > _HISTORY or (self._history_size > _HISTORY_SIZE and len(self._history) > 1):
            oldest = self._history.popleft()
            self._oldest, self._history_size = oldest.version, self._history_size - oldest.size
        for subscription in self._watchers:
            subscription.set()
        for listener in self._listeners:
            listener(change)
        return obj


def identity(meta: Object) -> Object:
    """The uid and creation time of a new object."""
    return {
        "uid": meta.get("uid") or str(uuid.uuid4()),
        "creationTimestamp": meta.get("creationTimestamp") or clock.now(),
    }
