"""The objects of the cluster in memory, with resource versions and a history that watches resume from.

Objects are the JSON bodies of the API. What ``get`` and ``all`` return is a copy of nobody: callers that
change an object hand a new one to ``update``. All of it runs in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import clock

Object = dict[str, Any]
Key = tuple[str, str, str]  # resource ("pods"), namespace or "", name

_HISTORY = 5000  # changes kept for watches to resume from


@dataclass(frozen=True)
class Change:
    type: str  # ADDED, MODIFIED, DELETED
    resource: str
    version: int
    object: Object
    before: Object | None = None


class Conflict(Exception):
    """The object exists already, or is not at the version that an update was made from."""


class Missing(Exception):
    """There is no such object."""


class Expired(Exception):
    """The history does not go back to the version asked for."""


class Store:
    def __init__(self, version: int = 1000) -> None:
        self.version = version
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._history: deque[Change] = deque(maxlen=_HISTORY)
        self._oldest = version
        self._watchers: set[asyncio.Queue[Change]] = set()
        self._listeners: list[Callable[[Change], None]] = []

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call ``listener`` at every change, at once."""
        self._listeners.append(listener)

    def get(self, resource: str, namespace: str, name: str) -> Object:
        try:
            return self._objects[resource][namespace, name]
        except KeyError:
            raise Missing(f'{resource} "{name}" not found') from None

    def find(self, resource: str, namespace: str, name: str) -> Object | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def all(self, resource: str, namespace: str | None = None) -> list[Object]:
        """All objects, of all namespaces if None, in order of namespace and name as the real one's keys are."""
        found = self._objects.get(resource, {})
        return [found[key] for key in sorted(found) if namespace is None or key[0] == namespace]

    def create(self, resource: str, obj: Object) -> Object:
        """Store a new object, completing its metadata. Raises Conflict if there is one of that name."""
        meta = obj["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        if key in self._objects.get(resource, {}):
            raise Conflict(f'{resource} "{meta["name"]}" already exists')
        created = {**obj, "metadata": {**meta, **identity(meta)}}
        return self._put("ADDED", resource, created, None)

    def update(self, resource: str, obj: Object) -> Object:
        """Replace an object. Raises Missing; raises Conflict if it carries a version that is not the stored one's."""
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
        """Put back an object that was kept from an earlier run, without a change for anybody."""
        meta = obj["metadata"]
        self._objects.setdefault(resource, {})[meta.get("namespace", ""), meta["name"]] = obj
        self.went_to(int(meta["resourceVersion"]))

    def went_to(self, version: int) -> None:
        """An earlier run reached this version: watches that are older have to list again."""
        self.version = self._oldest = max(self.version, version)

    def since(self, resource: str, version: int) -> list[Change]:
        """The changes of a resource after ``version``. Raises Expired if that is older than the history."""
        if version < self._oldest:
            raise Expired(f"too old resource version: {version} ({self._oldest})")
        return [change for change in self._history if change.version > version and change.resource == resource]

    def watch(self) -> asyncio.Queue[Change]:
        """A queue that gets every change from now on; give it back with ``unwatch``."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._watchers.add(queue)
        return queue

    def unwatch(self, queue: asyncio.Queue[Change]) -> None:
        self._watchers.discard(queue)

    def _put(self, kind: str, resource: str, obj: Object, before: Object | None) -> Object:
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        meta = obj["metadata"]
        if kind != "DELETED":
            self._objects.setdefault(resource, {})[meta.get("namespace", ""), meta["name"]] = obj
        if len(self._history) == _HISTORY:
            self._oldest = self._history[0].version
        change = Change(kind, resource, self.version, obj, before)
        self._history.append(change)
        for queue in self._watchers:
            queue.put_nowait(change)
        for listener in self._listeners:
            listener(change)
        return obj


def identity(meta: Object) -> Object:
    """The identity that an object gets with its creation."""
    return {
        "uid": meta.get("uid") or str(uuid.uuid4()),
        "creationTimestamp": meta.get("creationTimestamp") or clock.now(),
    }
