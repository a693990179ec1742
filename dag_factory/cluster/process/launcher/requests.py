"""What the server sends to the launcher to start a process. It travels as JSON."""

from __future__ import annotations

from typing import TypedDict


class MountSpec(TypedDict):
    """A mount to make; see ``Mount`` of the engine for ``kind``. ``size`` is in bytes."""

    source: str
    target: str
    read_only: bool
    kind: str
    size: int | None
    group: int | None


class RootSpec(TypedDict):
    """The root file system of a container.

    ``scratch`` is the folder for everything it writes. ``submounts`` are mount points of this machine to show,
    ``hide`` are folders of this machine to hide, and ``mounts`` are the mounts of the pod and of the image.
    ``read_only``: only volumes, /dev and the like can be written. ``cgroups`` are folders of control groups by the path
    at which the container sees them.
    """

    scratch: str
    submounts: list[str]
    hide: list[str]
    mounts: list[MountSpec]
    read_only: bool
    cwd: str
    cgroups: dict[str, str]


class ProcessSpec(TypedDict):
    """A process of a container. ``cgroup_procs`` are the files that add a process to its control groups.

    ``capabilities`` are the numbers of those that the process may have.
    """

    isolation: str
    argv: list[str]
    env: dict[str, str]
    cwd: str
    hostname: str
    user: int | None
    group: int | None
    supplementary_groups: list[int]
    tty: bool
    cgroup_procs: list[str]
    capabilities: list[int]
    no_new_privileges: bool


class StartSpec(ProcessSpec):
    """The first process of a container. ``root`` is None where there are no mount namespaces."""

    root: RootSpec | None


class ExecSpec(ProcessSpec):
    """One more process of the container whose first process is ``pid``."""

    pid: int
