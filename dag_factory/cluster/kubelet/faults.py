"""Simulated faults, to test how a pipeline reacts: out of memory, eviction, API errors.

A fault for pods strikes matching pods that run now. The rest of its ``times`` waits for pods that start later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ..runtime.engine import Exit
from .pod_worker import PodWorker

KINDS = ("oom", "evict")
EVICTED = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 0. This eviction was requested with "
    "dagf cluster."
)


@dataclass(frozen=True)
class Fault:
    """``pod`` and ``namespace`` are fnmatch patterns. ``after``: seconds that the container runs before the fault."""

    kind: str
    pod: str = "*"
    namespace: str = "*"
    times: int = 1
    after: float = 0.0

    def matches(self, worker: PodWorker) -> bool:
        return fnmatchcase(worker.key[1], self.pod) and fnmatchcase(worker.key[0], self.namespace)

    def describe(self) -> str:
        delay = f", {self.after:g} s after its start" if self.after else ""
        return f"{self.kind} for the next {self.times} of pods {self.pod}{delay}"


class Faults:
    """``workers`` returns the pods that run. ``api_errors`` is the fraction of requests that fail, 0 to 1."""

    def __init__(self, workers: Callable[[], list[PodWorker]]) -> None:
        self._workers = workers
        self.pending: list[Fault] = []
        self.api_errors = 0.0
        self._random = random.Random(1)
        self._running: set[asyncio.Task[None]] = set()

    def add(self, fault: Fault) -> int:
        """Add a fault. Returns how many pods it strikes at once. Raises ValueError for an unknown kind."""
        if fault.kind not in KINDS:
            raise ValueError(f"unknown fault {fault.kind!r}; use one of: {', '.join(KINDS)}")
        struck = 0
        for worker in self._workers():
            if struck < fault.times and fault.matches(worker) and worker.running(_target_container(worker)):
                self._strike(fault, worker)
                struck += 1
        if struck < fault.times:
            self.pending.append(replace(fault, times=fault.times - struck))
        return struck

    def clear(self) -> None:
        self.pending.clear()
        self.api_errors = 0.0

    def container_started(self, worker: PodWorker, container: str) -> None:
        """Strike the pod with the first pending fault that matches, once its target container runs."""
        if container != _target_container(worker):
            return
        for index, fault in enumerate(self.pending):
            if fault.matches(worker):
                rest = replace(fault, times=fault.times - 1)
                self.pending[index : index + 1] = [rest] if rest.times else []
                self._strike(fault, worker)
                return

    def api_fails(self) -> bool:
        """Whether the next request is to fail."""
        return self.api_errors > 0 and self._random.random() < self.api_errors

    def describe(self) -> list[str]:
        errors = [f"{self.api_errors:.0%} of the API's responses are errors"] if self.api_errors else []
        return [*(fault.describe() for fault in self.pending), *errors]

    def _strike(self, fault: Fault, worker: PodWorker) -> None:
        task = asyncio.ensure_future(_strike_later(fault, worker))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


async def _strike_later(fault: Fault, worker: PodWorker) -> None:
    await asyncio.sleep(fault.after)
    if fault.kind == "evict":
        evict(worker)
    else:
        await worker.kill_container(_target_container(worker), Exit(137, out_of_memory=True))


def evict(worker: PodWorker, message: str = EVICTED) -> None:
    """Evict a pod as a kubelet does when the node runs low on a resource: without grace; the failed pod remains."""
    worker.event("Warning", "Evicted", message)
    worker.stop(0, "Evicted", message, "TerminationByKubelet")


def _target_container(worker: PodWorker) -> str:
    """The container that faults strike: ``base``, as the pod operator names it, or the first."""
    names = [slot.name for slot in worker.slots if not slot.init]
    return "base" if "base" in names else names[0]
