"""Watches: the current objects, then every change, as lines of JSON until the timeout."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..objects.store import Change, Expired, Object, Store
from ..resources import errors
from ..resources.kinds import Resource, Target
from ..resources.query import bool_param, int_param, make_matcher
from ..resources.selectors import Match
from . import tables

_DEFAULT_TIMEOUT = 1800  # seconds
_BOOKMARK_EVERY = 60  # seconds
_LINES = 256
_LINES_SIZE = 8 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class _Request:
    """What a watch asks for. ``version`` None: begin with all objects."""

    target: Target
    match: Match
    version: int | None
    timeout: int
    bookmarks: bool
    marks_initial: bool
    table: str


def stream(store: Store, target: Target, query: Mapping[str, str], *, table: str = "") -> AsyncIterator[bytes]:
    """Lines of JSON, one per change. ``table``: each object is a table of one row, see ``tables.included``.

    Raises a 400 for an invalid parameter.
    """
    text = query.get("resourceVersion", "")
    marks_initial = bool_param(query, "sendInitialEvents")
    return _stream(
        store,
        _Request(
            target,
            make_matcher(target.resource, query),
            None if marks_initial or text in ("", "0") else _version(text),
            int_param(query, "timeoutSeconds") or _DEFAULT_TIMEOUT,
            bool_param(query, "allowWatchBookmarks"),
            marks_initial,
            table,
        ),
    )


async def _stream(store: Store, wanted: _Request) -> AsyncIterator[bytes]:
    target, resource = wanted.target, wanted.target.resource
    subscription = store.watch()
    try:
        sent = store.version if wanted.version is None else wanted.version
        if wanted.version is None:
            for obj in store.all(resource.name, target.namespace):
                if (line := _event(Change("ADDED", resource.name, sent, obj), wanted)) is not None:
                    yield line
        if wanted.marks_initial:
            yield _bookmark(target, sent, {"k8s.io/initial-events-end": "true"})
        end = time.monotonic() + wanted.timeout
        next_bookmark = time.monotonic() + _BOOKMARK_EVERY
        while True:
            subscription.clear()
            try:
                changes, sent = store.changes_since(resource.name, sent), store.version
            except Expired as error:  # also for a client that reads too slowly
                yield _line("ERROR", errors.expired(str(error)).body())
                return
            for change in changes:
                if (line := _event(change, wanted)) is not None:
                    yield line
            if (left := end - time.monotonic()) <= 0:
                return
            wait = min(left, next_bookmark - time.monotonic()) if wanted.bookmarks else left
            try:
                await asyncio.wait_for(subscription.wait(), max(wait, 0))
            except asyncio.TimeoutError:
                if wanted.bookmarks and time.monotonic() >= min(next_bookmark, end):
                    yield _bookmark(target, sent)
                    next_bookmark = time.monotonic() + _BOOKMARK_EVERY
    finally:
        store.unwatch(subscription)


def _version(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise errors.bad_request(
            f'invalid resource version "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        ) from error


def _event(change: Change, wanted: _Request) -> bytes | None:
    """A change as this watch sees it. An object that leaves the selection is deleted; one that enters it is added."""
    obj, target, match = change.object, wanted.target, wanted.match
    if target.namespace is not None and obj["metadata"].get("namespace") != target.namespace:
        return None
    if target.name is not None and obj["metadata"]["name"] != target.name:
        return None
    now = match(obj)
    before = change.before is not None and match(change.before)
    if change.type == "MODIFIED":
        if not now and not before:
            return None
        kind = "MODIFIED" if now and before else "ADDED" if now else "DELETED"
    elif now or (change.type == "DELETED" and before):
        kind = change.type
    else:
        return None
    return _encode(obj, kind, target.resource, wanted.table)


class _Lines:
    """The lines of the latest changes: all watches of a change share its line."""

    def __init__(self) -> None:
        self._lines: dict[tuple[Any, ...], tuple[Object, bytes]] = {}
        self._size = 0

    def get(self, obj: Object, form: tuple[Any, ...], encode: Callable[[], bytes]) -> bytes:
        """The line of ``obj`` in this form. A stored line keeps its object, so that no other one has the same id."""
        key = (id(obj), *form)
        if key in self._lines:
            return self._lines[key][1]
        line = encode()
        while self._lines and (len(self._lines) >= _LINES or self._size + len(line) > _LINES_SIZE):
            self._size -= len(self._lines.pop(next(iter(self._lines)))[1])
        self._lines[key] = obj, line
        self._size += len(line)
        return line


_lines = _Lines()


def _encode(obj: Object, kind: str, resource: Resource, table: str) -> bytes:
    def encode() -> bytes:
        if table:
            return _line(kind, tables.make_table(resource, [obj], obj["metadata"], table))
        return _line(kind, {"kind": resource.kind, "apiVersion": resource.api_version, **obj})

    # A table contains ages, which change each second.
    return _lines.get(obj, (kind, table, int(time.time()) if table else 0), encode)


def _bookmark(target: Target, version: int, annotations: dict[str, str] | None = None) -> bytes:
    meta: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        meta["annotations"] = annotations
    resource = target.resource
    return _line("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta})


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
