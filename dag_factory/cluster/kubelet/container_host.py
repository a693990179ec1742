"""What a container needs of the pod that it runs in. ``PodWorker`` provides it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..objects.store import Object
from ..runtime.engine import ContainerSpec, Engine, PulledImage
from .pod.slot import Slot


class ContainerHost(Protocol):
    @property
    def pod(self) -> Object: ...

    @property
    def folder(self) -> Path:
        """The pod's own folder."""
        ...

    @property
    def engine(self) -> Engine: ...

    @property
    def reason(self) -> str:
        """Why the kubelet ends the pod; empty if it does not."""
        ...

    def container_spec(self, slot: Slot, folder: Path, image: PulledImage) -> ContainerSpec:
        """What the engine is to run. Raises ConfigError for a spec that the kubelet cannot or must not run."""
        ...

    def log_path(self, slot: Slot) -> Path:
        """The log file of the container's current run."""
        ...

    def event(self, kind: str, reason: str, message: str, slot: Slot) -> None: ...

    def publish(self) -> None:
        """Write the pod's status to the API."""
        ...

    def container_started(self, slot: Slot) -> None: ...

    def container_ended(self) -> None: ...

    def grace_left(self) -> float:
        """Seconds until the pod's containers are killed."""
        ...

    def extend_grace(self, seconds: float) -> None:
        """Give the containers at least this many seconds from now."""
        ...

    async def grace_changed(self) -> None:
        """Wait until the grace period becomes shorter."""
        ...
