"""Watches share what they send, and keep a bounded history."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dag_factory.cluster.api import watch
from dag_factory.cluster.objects.store import Expired, Store
from dag_factory.cluster.resources.errors import ApiError
from dag_factory.cluster.resources.kinds import Target, resource_named

CONFIG_MAPS = Target(resource_named("configmaps"), "default")


def config_map(name: str, size: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {"key": "x" * size}}


def test_all_watches_of_a_change_share_its_line() -> None:
    async def follow() -> tuple[list[bytes], list[bytes]]:
        store = Store()
        streams = [watch.stream(store, CONFIG_MAPS, {"timeoutSeconds": "30"}) for _ in range(50)]
        store.create("configmaps", config_map("first"))
        first = [await anext(each) for each in streams]
        waiting = [asyncio.ensure_future(each.__anext__()) for each in streams]
        await asyncio.sleep(0)
        store.create("configmaps", config_map("second"))
        second = await asyncio.gather(*waiting)
        for each in streams:
            await each.aclose()  # type: ignore[attr-defined]
        return first, list(second)

    for lines, name in zip(asyncio.run(follow()), ("first", "second"), strict=True):
        assert json.loads(lines[0])["object"]["metadata"]["name"] == name
        assert all(line is lines[0] for line in lines)


def test_a_watch_that_is_too_slow_must_list_again() -> None:
    async def follow() -> list[bytes]:
        store = Store()
        stream = watch.stream(store, CONFIG_MAPS, {"timeoutSeconds": "30"})
        store.create("configmaps", config_map("first"))
        lines = [await anext(stream)]
        for number in range(40):
            store.create("configmaps", config_map(f"large-{number}", 2_000_000))
        return lines + [line async for line in stream]

    assert json.loads(asyncio.run(follow())[-1])["object"]["code"] == 410


def test_the_history_is_bounded_by_its_size() -> None:
    store = Store()
    start = store.version
    for number in range(40):
        store.create("configmaps", config_map(f"large-{number}", 2_000_000))
    with pytest.raises(Expired):
        store.changes_since("configmaps", start)
    assert len(store.changes_since("configmaps", store.version - 3)) == 3


@pytest.mark.parametrize("query", [{"labelSelector": "a in"}, {"resourceVersion": "x"}, {"timeoutSeconds": "soon"}])
def test_an_invalid_watch_is_refused_before_it_begins(query: dict[str, str]) -> None:
    with pytest.raises(ApiError) as caught:
        watch.stream(Store(), CONFIG_MAPS, query)
    assert caught.value.code == 400
