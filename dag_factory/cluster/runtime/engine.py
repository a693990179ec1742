"""What the kubelet asks of an engine: images, containers, exec. The process engine is one, Docker another.

An engine knows nothing of pods' lives, of the API or of restarts: it runs one container when told to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Mount:
    """A file or directory of this machine (``source``) shown in a container at ``target``.

    ``kind``: ``bind``; ``overlay``, where writes stay in the container; or ``tmpfs``, memory of its own of
    ``size`` bytes, where ``source`` is what an engine without such a thing shows instead.
    """

    source: Path
    target: str
    read_only: bool = False
    kind: str = "bind"
    size: int | None = None


@dataclass(frozen=True)
class ContainerSpec:
    """One container to run. ``memory`` is in bytes and ``cpu`` in cores; both None where there is no limit.

    ``pod_mounts`` and ``pod_images`` are those of all containers of its pod, for an engine that has to know whether
    they can be had together.
    """

    id: str
    pod_uid: str
    pod: str
    name: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    working_dir: str | None
    mounts: tuple[Mount, ...]
    scratch: Path
    pod_mounts: tuple[Mount, ...] = ()
    pod_images: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None
    supplementary_groups: tuple[int, ...] = ()
    memory: int | None = None
    cpu: float | None = None
    stdin: bool = False
    tty: bool = False


@dataclass(frozen=True)
class Exit:
    """How a container ended. A signal's code is 128 + its number."""

    code: int
    out_of_memory: bool = False


@dataclass(frozen=True)
class PulledImage:
    """``name`` is the full name that a status shows, ``id`` its content's."""

    name: str
    id: str
    notes: tuple[str, ...] = field(default=())


class EngineError(Exception):
    """An engine can't do what was asked. ``reason`` is the one a container's status shows."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class PullError(EngineError):
    """ErrImagePull, ErrImageNeverPull, InvalidImageName."""


class StartError(EngineError):
    """StartError (the program can't be run) or CreateContainerError (its surroundings can't be made)."""


class Session(Protocol):
    """A process that exec started in a container."""

    async def write(self, data: bytes) -> None: ...

    def close_stdin(self) -> None: ...

    def resize(self, columns: int, rows: int) -> None: ...

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """Chunks with their channel, 1 for standard output and 2 for standard error, until both end."""
        ...

    async def wait(self) -> int: ...

    async def kill(self) -> None: ...


class Container(Protocol):
    """A container that was started. ``id`` is its engine's name for it."""

    @property
    def id(self) -> str: ...

    async def wait(self) -> Exit: ...

    async def signal(self, number: int) -> None:
        """SIGKILL ends every process of the container, another signal goes to its first process."""
        ...

    async def exec(self, command: list[str], *, stdin: bool, tty: bool) -> Session:
        """Raises StartError if the program can't be run."""
        ...

    def usage(self) -> tuple[float, int]:
        """Seconds of CPU used so far and bytes of memory in use."""
        ...

    async def remove(self) -> None:
        """Free what the container left: its control groups and scratch space."""
        ...


class Engine(Protocol):
    """``name`` is what containers' ids begin with: ``process``, ``docker``."""

    @property
    def name(self) -> str: ...

    async def begin(self) -> None: ...

    async def end(self) -> None: ...

    def describe(self) -> dict[str, str]:
        """For people: ``engine``, ``isolation``, ``memory``, ``cpu``, each one phrase."""
        ...

    async def present(self, image: str) -> PulledImage | None:
        """The image if it needs no pull. Raises PullError (InvalidImageName)."""
        ...

    async def pull(self, image: str) -> PulledImage: ...

    async def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> Container:
        """Run it; standard output and error go to ``output`` in the order written. Raises StartError."""
        ...

    def forget(self, pod_uid: str) -> None:
        """The pod is over: nothing of it starts any more."""
        ...
