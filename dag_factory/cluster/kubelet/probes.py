"""A running container's probes: startup first, then liveness and readiness side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..runtime.engine import Container
from . import handlers
from .pod.slot import Slot

_KINDS = {"startupProbe": "Startup", "livenessProbe": "Liveness", "readinessProbe": "Readiness"}

Event = Callable[[str, str, str], None]


class Probes:
    """``changed`` is called when the slot's ``started`` or ``ready`` did; ``restart`` when the container has to go."""

    def __init__(
        self,
        slot: Slot,
        container: Container,
        event: Event,
        changed: Callable[[], None],
        restart: Callable[[str, float | None], None],
    ) -> None:
        self.slot = slot
        self.container = container
        self.event = event
        self.changed = changed
        self.restart = restart
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Set what the container is before any probe, and start them."""
        spec, slot = self.slot.spec, self.slot
        probed = not slot.init or slot.sidecar
        slot.started = not (probed and spec.get("startupProbe"))
        slot.ready = probed and slot.started and not spec.get("readinessProbe")
        if probed and any(spec.get(kind) for kind in _KINDS):
            self._task = asyncio.ensure_future(self._run())

    def end(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        spec, slot = self.slot.spec, self.slot
        if spec.get("startupProbe"):
            if not await self._until_decided("startupProbe"):
                return
            slot.started, slot.ready = True, not spec.get("readinessProbe")
            self.changed()
        await asyncio.gather(
            *(self._watch(kind) for kind in ("livenessProbe", "readinessProbe") if spec.get(kind)),
        )

    async def _until_decided(self, kind: str) -> bool:
        """Whether the startup probe succeeds before it has failed too often."""
        probe, failures = self.slot.spec[kind], 0
        await asyncio.sleep(probe.get("initialDelaySeconds") or 0)
        while True:
            if await self._once(kind):
                return True
            failures += 1
            if failures >= probe["failureThreshold"]:
                self._give_up(kind)
                return False
            await asyncio.sleep(probe["periodSeconds"])

    async def _watch(self, kind: str) -> None:
        probe, slot = self.slot.spec[kind], self.slot
        successes = failures = 0
        await asyncio.sleep(probe.get("initialDelaySeconds") or 0)
        while True:
            if await self._once(kind):
                successes, failures = successes + 1, 0
            else:
                successes, failures = 0, failures + 1
            if kind == "livenessProbe":
                if failures >= probe["failureThreshold"]:
                    return self._give_up(kind)
            else:
                ready = slot.ready
                if successes >= probe["successThreshold"]:
                    ready = True
                elif failures >= probe["failureThreshold"]:
                    ready = False
                if ready != slot.ready:
                    slot.ready = ready
                    self.changed()
            await asyncio.sleep(probe["periodSeconds"])

    async def _once(self, kind: str) -> bool:
        probe: dict[str, Any] = self.slot.spec[kind]
        try:
            await handlers.handle(probe, self.container, self.slot.spec, float(probe["timeoutSeconds"]))
            return True
        except handlers.Failed as failure:
            word = "probe errored and resulted in unknown state" if "timed out" in str(failure) else "probe failed"
            self.event("Warning", "Unhealthy", f"{_KINDS[kind]} {word}: {failure}")
            return False

    def _give_up(self, kind: str) -> None:
        name = _KINDS[kind].lower()
        grace = self.slot.spec[kind].get("terminationGracePeriodSeconds")
        self.restart(f"Container {self.slot.name} failed {name} probe, will be restarted", grace)
