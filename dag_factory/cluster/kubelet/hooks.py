"""A container's lifecycle hooks: postStart and preStop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from ..runtime.engine import Container, Exit
from . import handlers

Event = Callable[[str, str, str], None]  # type, reason, message


async def post_start(container: Container, spec: dict[str, Any], event: Event) -> None:
    """Wait for the postStart hook. If it fails, kill the container."""
    hook = (spec.get("lifecycle") or {}).get("postStart")
    if not hook:
        return
    done = asyncio.ensure_future(handlers.handle(hook, container, spec, None))
    ended = asyncio.ensure_future(container.wait())
    both: set[asyncio.Future[Any]] = {done, ended}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if done.done() and done.exception():
            event("Warning", "FailedPostStartHook", "PostStartHook failed")
            event("Normal", "Killing", "FailedPostStartHook")
            await container.signal(signal.SIGKILL)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def pre_stop(
    container: Container, spec: dict[str, Any], event: Event, ended: asyncio.Future[Exit], grace: float
) -> bool:
    """Wait for the preStop hook, at most ``grace`` seconds. Returns whether it was cut off by the end of the grace.

    ``ended`` is done once the container has ended.
    """
    hook = (spec.get("lifecycle") or {}).get("preStop")
    if not hook:
        return False
    done = asyncio.ensure_future(handlers.handle(hook, container, spec, None))
    both: set[asyncio.Future[Any]] = {done, ended}
    await asyncio.wait(both, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
    if not done.done():
        done.cancel()
        await asyncio.gather(done, return_exceptions=True)
        if ended.done():
            return False
        event("Warning", "FailedPreStopHook", "PreStopHook failed")
        return True
    if done.exception():
        event("Warning", "FailedPreStopHook", "PreStopHook failed")
    return False
