"""What the kubelet needs of an engine: images, containers, exec. There is a process engine and a Docker engine.

An engine runs single containers. It does not know about the API, the lives of pods or restarts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Mount:
    """A file or directory of this machine (``source``) that a container sees at ``target``.

    ``kind``: ``bind``; ``overlay``, where writes stay in the container; or ``tmpfs``, a file system in memory of
    ``size`` bytes that belongs to ``group``. An engine that has no such tmpfs mounts ``source`` instead.
    """

    source: Path
    target: str
    read_only: bool = False
    kind: str = "bind"
    size: int | None = None
    group: int | None = None


@dataclass(frozen=True)
class ContainerSpec:
    """One container to run. ``memory`` is in bytes and ``cpu`` in cores; None means no limit.

    ``pod_mounts`` and ``pod_images`` are those of all containers of the pod, for an engine on which two pods can
    conflict. ``etc_mounts`` are the files of the pod in ``/etc``, such as ``/etc/hosts``. An engine without mount
    namespaces leaves them out. ``user`` None is the user of the image. ``capabilities_added`` and
    ``capabilities_dropped`` have names without ``CAP_``; ``ALL`` means all.
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
    hostname: str = ""
    etc_mounts: tuple[Mount, ...] = ()
    read_only_root: bool = False
    capabilities_added: tuple[str, ...] = ()
    capabilities_dropped: tuple[str, ...] = ()
    no_new_privileges: bool = False
    privileged: bool = False


@dataclass(frozen=True)
class Exit:
    """How a container ended. The code after a signal is 128 + the signal's number."""

    code: int
    out_of_memory: bool = False


@dataclass(frozen=True)
class PulledImage:
    """``name`` is the full name that a pod's status shows. ``id`` identifies the content.

    ``user`` is the user of the image's configuration: a number, a name, or empty for root.
    """

    name: str
    id: str
    notes: tuple[str, ...] = field(default=())
    user: str = ""


class EngineError(Exception):
    """A request to an engine failed. ``reason`` is the one that the container's status shows."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class PullError(EngineError):
    """ErrImagePull, ErrImageNeverPull, InvalidImageName."""


class StartError(EngineError):
    """StartError (the program can't be run) or CreateContainerError (the container can't be created)."""


class Session(Protocol):
    """A process that ``exec`` started in a container."""

    async def write(self, data: bytes) -> None: ...

    def close_stdin(self) -> None: ...

    def resize(self, columns: int, rows: int) -> None: ...

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """Chunks of output with their channel: 1 is standard output, 2 is standard error. Ends when both have ended."""
        ...

    async def wait(self) -> int: ...

    async def kill(self) -> None: ...


class Container(Protocol):
    """A container that was started. ``id`` is the engine's id of it."""

    @property
    def id(self) -> str: ...

    async def wait(self) -> Exit: ...

    async def signal(self, number: int) -> None:
        """Send a signal to the first process of the container. SIGKILL goes to every process."""
        ...

    async def exec(self, command: list[str], *, stdin: bool, tty: bool) -> Session:
        """Raises StartError if the program can't be run."""
        ...

    def usage(self) -> tuple[float, int]:
        """The seconds of CPU used so far, and the bytes of memory in use."""
        ...

    async def written_bytes(self) -> int | None:
        """The bytes that the container has written to its root file system. None if the engine cannot measure it."""
        ...

    async def remove(self) -> None:
        """Remove the container's control groups and scratch space."""
        ...


class Engine(Protocol):
    """``name`` is the prefix of containers' ids: ``process`` or ``docker``."""

    @property
    def name(self) -> str: ...

    @property
    def isolation(self) -> str:
        """How containers are separated: ``docker``, ``namespaces``, ``user-namespace`` or ``plain``."""
        ...

    async def begin(self) -> None: ...

    async def end(self) -> None: ...

    def describe(self) -> dict[str, str]:
        """A phrase for people about each of ``engine``, ``isolation``, ``memory`` and ``cpu``."""
        ...

    async def present(self, image: str) -> PulledImage | None:
        """The image if it is present. Raises PullError (InvalidImageName)."""
        ...

    async def pull(self, image: str) -> PulledImage: ...

    async def start(self, spec: ContainerSpec, output: Callable[[bytes], None]) -> Container:
        """Run a container. ``output`` receives standard output and error in the order written. Raises StartError."""
        ...

    def forget(self, pod_uid: str) -> None:
        """Release what belongs to the pod: it is over, and none of its containers starts again."""
        ...
