"""The probes of a running container: startup first, then liveness and readiness in parallel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..runtime.engine import Container
from . import handlers
from .pod.slot import Slot

_KINDS = {"startupProbe": "Startup", "livenessProbe": "Liveness", "readinessProbe": "Readiness"}

Event = Callable[[str, str, str], None]  # type, reason, message


class Probes:
    """``on_change`` is called when ``started`` or ``ready`` changes, ``restart`` when the container has to end."""

    def __init__(
        self,
        slot: Slot,
        container: Container,
        event: Event,
        on_change: Callable[[], None],
        restart: Callable[[str, float | None], None],
    ) -> None:
        self.slot = slot
        self.container = container
        self.event = event
        self.on_change = on_change
        self.restart = restart
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Set the container's state before the first probe, and start the probes."""
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
            if not await self._passes_startup("startupProbe"):
                return
            slot.started, slot.ready = True, not spec.get("readinessProbe")
            self.on_change()
        await asyncio.gather(
            *(self._watch(kind) for kind in ("livenessProbe", "readinessProbe") if spec.get(kind)),
        )

    async def _passes_startup(self, kind: str) -> bool:
        """Run the startup probe. Returns whether it succeeds before ``failureThreshold``."""
        probe, failures = self.slot.spec[kind], 0
        await asyncio.sleep(probe.get("initialDelaySeconds") or 0)
        while True:
            if await self._probe(kind):
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
            if await self._probe(kind):
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
                    self.on_change()
            await asyncio.sleep(probe["periodSeconds"])

    async def _probe(self, kind: str) -> bool:
        probe: dict[str, Any] = self.slot.spec[kind]
        try:
            await handlers.handle(probe, self.container, self.slot.spec, float(probe["timeoutSeconds"]))
            return True
        except handlers.HandlerError as failure:
            outcome = "probe errored and resulted in unknown state" if "timed out" in str(failure) else "probe failed"
            self.event("Warning", "Unhealthy", f"{_KINDS[kind]} {outcome}: {failure}")
            return False

    def _give_up(self, kind: str) -> None:
        name = _KINDS[kind].lower()
        grace = self.slot.spec[kind].get("terminationGracePeriodSeconds")
        self.restart(f"Container {self.slot.name} failed {name} probe, will be restarted", grace)
