"""Faults on demand, to see what a pipeline does: memory running out, eviction, a lost node, a failing API.

A fault for pods strikes those that run now and match; what is left of its ``times`` waits for the next ones.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..runtime.engine import Exit

if TYPE_CHECKING:
    from .pod_worker import PodWorker

KINDS = ("oom", "evict")
EVICTED = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 0. This eviction was asked for with "
    "dagf cluster."
)


@dataclass(frozen=True)
class Fault:
    """``pod`` is an fnmatch pattern of names; ``after`` seconds of the container's running."""

    kind: str
    pod: str = "*"
    namespace: str = "*"
    times: int = 1
    after: float = 0.0

    def matches(self, worker: PodWorker) -> bool:
        return fnmatchcase(worker.key[1], self.pod) and fnmatchcase(worker.key[0], self.namespace)

    def describe(self) -> str:
        when = f", {self.after:g} s after its start" if self.after else ""
        return f"{self.kind} for the next {self.times} of pods {self.pod}{when}"


class Faults:
    """``workers`` are the pods that run. ``api_errors`` is the share of requests that fail, 0 to 1."""

    def __init__(self, workers: Callable[[], list[PodWorker]]) -> None:
        self._workers = workers
        self.standing: list[Fault] = []
        self.api_errors = 0.0
        self._random = random.Random(1)
        self._striking: set[asyncio.Task[None]] = set()

    def add(self, fault: Fault) -> int:
        """How many pods it strikes at once. Raises ValueError for a kind that is none."""
        if fault.kind not in KINDS:
            raise ValueError(f"there is no fault {fault.kind!r}: {', '.join(KINDS)}")
        struck = 0
        for worker in self._workers():
            if struck < fault.times and fault.matches(worker) and worker.running(_target(worker)):
                self._strike(fault, worker)
                struck += 1
        if struck < fault.times:
            self.standing.append(replace(fault, times=fault.times - struck))
        return struck

    def clear(self) -> None:
        self.standing.clear()
        self.api_errors = 0.0

    def started(self, worker: PodWorker, container: str) -> None:
        """A container runs: if it is the one that faults of its pod strike, the first that waits for it does."""
        if container != _target(worker):
            return
        for index, fault in enumerate(self.standing):
            if fault.matches(worker):
                left = replace(fault, times=fault.times - 1)
                self.standing[index : index + 1] = [left] if left.times else []
                self._strike(fault, worker)
                return

    def api_fails(self) -> bool:
        return self.api_errors > 0 and self._random.random() < self.api_errors

    def describe(self) -> list[str]:
        errors = [f"{self.api_errors:.0%} of the API's answers are errors"] if self.api_errors else []
        return [*(fault.describe() for fault in self.standing), *errors]

    def _strike(self, fault: Fault, worker: PodWorker) -> None:
        task = asyncio.ensure_future(_later(fault, worker))
        self._striking.add(task)
        task.add_done_callback(self._striking.discard)


async def _later(fault: Fault, worker: PodWorker) -> None:
    await asyncio.sleep(fault.after)
    if fault.kind == "evict":
        evict(worker)
    else:
        await worker.lives[_target(worker)].kill_as(Exit(137, out_of_memory=True))


def evict(worker: PodWorker, message: str = EVICTED) -> None:
    """As a kubelet evicts from a node that is short of something: at once, and the failed pod stays."""
    worker.event("Warning", "Evicted", message)
    worker.stop(0, "Evicted", message, "TerminationByKubelet")


def _target(worker: PodWorker) -> str:
    """The container that stands for the pod's work: ``base``, as the operator names it, or the first."""
    names: list[Any] = [slot.name for slot in worker.slots if not slot.init]
    return "base" if "base" in names else str(names[0])
