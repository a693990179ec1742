"""What the containers of one engine share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .launcher_client import LauncherClient
from .linux.cgroups import Groups
from .memory_watch import MemoryWatch
from .mount_paths import MountPaths


@dataclass(frozen=True)
class Host:
    """``state`` is the server's folder, which containers do not see. ``submounts`` are mount points that they see.

    ``isolation`` is ``namespaces``, ``user-namespace`` or ``plain``. ``mount_paths`` are for ``plain`` only.
    """

    launcher: LauncherClient
    state: Path
    isolation: str
    cgroups: Groups
    submounts: tuple[str, ...] = ()
    memory_watch: MemoryWatch = field(default_factory=MemoryWatch)
    mount_paths: MountPaths = field(default_factory=MountPaths)
