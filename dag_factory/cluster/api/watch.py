"""Watches: the current objects, then every change, as lines of JSON until the timeout."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..objects.store import Change, Expired, Object, Store
from ..resources import errors
from ..resources.kinds import Target
from ..resources.query import bool_param, int_param, make_matcher
from . import tables

_DEFAULT_TIMEOUT = 1800  # seconds
_BOOKMARK_EVERY = 60  # seconds


async def stream(
    store: Store, target: Target, query: Mapping[str, str], *, as_table: bool = False
) -> AsyncIterator[bytes]:
    """Lines of JSON, one per change. ``as_table``: each object is a table of one row."""
    resource = target.resource
    match = make_matcher(resource, query)
    timeout = int_param(query, "timeoutSeconds") or _DEFAULT_TIMEOUT
    text = query.get("resourceVersion", "")
    initial = bool_param(query, "sendInitialEvents") or text in ("", "0")
    bookmarks = bool_param(query, "allowWatchBookmarks")
    queue = store.watch()  # before the first list, so that no change is lost in between
    try:
        if initial:
            backlog = [
                Change("ADDED", resource.name, store.version, obj) for obj in store.all(resource.name, target.namespace)
            ]
        else:
            try:
                backlog = store.changes_since(resource.name, _version(text))
            except Expired as error:
                yield _line("ERROR", errors.expired(str(error)).body())
                return
        sent = store.version
        for change in backlog:
            if (line := _event(change, target, match, as_table)) is not None:
                yield line
        if bool_param(query, "sendInitialEvents"):
            yield _bookmark(target, store.version, {"k8s.io/initial-events-end": "true"})
        end = time.monotonic() + timeout
        next_bookmark = time.monotonic() + _BOOKMARK_EVERY
        while (left := end - time.monotonic()) > 0:
            wait = min(left, next_bookmark - time.monotonic()) if bookmarks else left
            try:
                change = await asyncio.wait_for(queue.get(), max(wait, 0))
            except asyncio.TimeoutError:
                if bookmarks and time.monotonic() >= min(next_bookmark, end):
                    yield _bookmark(target, store.version)
                    next_bookmark = time.monotonic() + _BOOKMARK_EVERY
                continue
            is_new = change.resource == resource.name and change.version > sent
            if is_new and (line := _event(change, target, match, as_table)) is not None:
                yield line
    finally:
        store.unwatch(queue)


def _version(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise errors.bad_request(
            f'invalid resource version "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        ) from error


def _event(change: Change, target: Target, match: Any, as_table: bool) -> bytes | None:
    """A change as this watch sees it. An object that leaves the selection is deleted; one that enters it is added."""
    obj = change.object
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
    resource = target.resource
    if as_table:
        return _line(kind, tables.make_table(resource, [obj], obj["metadata"]))
    return _line(kind, {"kind": resource.kind, "apiVersion": resource.api_version, **obj})


def _bookmark(target: Target, version: int, annotations: dict[str, str] | None = None) -> bytes:
    meta: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        meta["annotations"] = annotations
    resource = target.resource
    return _line("BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta})


def _line(kind: str, obj: Object) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"
