"""Control groups for memory and CPU limits, version 1 and 2, where this process may create them.

``find`` creates a parent group below the group of this process. ``Groups.make`` creates a group below that parent for
a container. Where a controller is not available, its limits are not enforced here.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_PERIOD = 100_000  # microseconds, as the kubelet uses
ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Group:
    """The groups of one container. A path is None where the controller is not available."""

    memory: Path | None = None
    cpu: Path | None = None
    version: int = 1

    @property
    def folders(self) -> list[Path]:
        return list(dict.fromkeys(path for path in (self.memory, self.cpu) if path))

    @property
    def procs(self) -> list[str]:
        return [str(path / "cgroup.procs") for path in self.folders]

    def shown_at(self, root: Path = ROOT) -> dict[str, str]:
        """The container's own groups by the paths at which programs look for their limits."""
        if self.version == 2:
            return {str(root): str(self.memory)} if self.memory else {}
        found = {str(root / "memory"): str(self.memory)} if self.memory else {}
        if self.cpu:
            found |= {str(root / name): str(self.cpu) for name in ("cpu", "cpu,cpuacct") if (root / name).is_dir()}
        return found

    def out_of_memory_kills(self) -> int:
        if not self.memory:
            return 0
        return _counter(self.memory / ("memory.oom_control" if self.version == 1 else "memory.events"), "oom_kill")

    def usage(self) -> int | None:
        """Bytes in use, without the page cache that the kernel can free at once. None if they are not counted."""
        if not self.memory:
            return None
        name, cache = (
            ("memory.usage_in_bytes", "total_inactive_file")
            if self.version == 1
            else ("memory.current", "inactive_file")
        )
        try:
            used = int((self.memory / name).read_text())
        except (OSError, ValueError):
            return None
        return max(0, used - _counter(self.memory / "memory.stat", cache))

    def out_of_memory_event(self) -> int | None:
        """A file descriptor that becomes readable at the limit. None for version 2, which kills the whole group."""
        if not self.memory or self.version != 1:
            return None
        event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            control = os.open(self.memory / "memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
            try:
                (self.memory / "cgroup.event_control").write_text(f"{event} {control}")
            finally:
                os.close(control)
        except OSError:
            os.close(event)
            return None
        return event

    def remove(self) -> None:
        for path in self.folders:
            with contextlib.suppress(OSError):
                path.rmdir()


@dataclass(frozen=True)
class Groups:
    """The parents of the groups of containers.

    ``unavailable`` is the reason if there are none. ``server`` is the group that this process had to move to
    (version 2).
    """

    memory: Path | None = None
    cpu: Path | None = None
    version: int = 1
    unavailable: str = ""
    server: Path | None = None

    def parents(self) -> list[str]:
        return list(dict.fromkeys(str(path) for path in (self.memory, self.cpu, self.server) if path))

    def make(self, name: str, memory: int | None, cpu: float | None) -> Group:
        group = Group(self.memory / name if self.memory else None, self.cpu / name if self.cpu else None, self.version)
        for path in group.folders:
            path.mkdir(exist_ok=True)
        if group.memory and memory:
            _limit_memory(group.memory, memory, self.version)
        if group.cpu and cpu:
            quota = max(1000, int(cpu * _PERIOD))
            if self.version == 1:
                _write_if_exists(group.cpu / "cpu.cfs_period_us", _PERIOD)
                _write_if_exists(group.cpu / "cpu.cfs_quota_us", quota)
            else:
                _write_if_exists(group.cpu / "cpu.max", f"{quota} {_PERIOD}")
        return group


def find(name: str, root: Path = ROOT, membership: Path = Path("/proc/self/cgroup")) -> Groups:
    """Create the parent groups ``name`` below the group of this process. Never raises: see ``Groups.unavailable``."""
    try:
        own = dict(_own_groups(membership))
        if "memory" in own and (root / "memory").is_dir():
            memory = _parent(root / "memory", own["memory"], name, "memory.limit_in_bytes")
            cpu_mount = next((path for path in (root / "cpu", root / "cpu,cpuacct") if path.is_dir()), None)
            cpu = None
            if cpu_mount and "cpu" in own:
                with contextlib.suppress(OSError):
                    cpu = _parent(cpu_mount, own["cpu"], name, "cpu.cfs_quota_us")
            return Groups(memory, cpu, 1)
        if (root / "cgroup.controllers").is_file():
            return _version_2(root, own.get("", "/"), name)
    except OSError as error:
        return Groups(unavailable=f"control groups are not available: {error.strerror or error}")
    return Groups(unavailable="this machine has no memory control groups")


def remove(parents: list[str]) -> None:
    """Remove ``parents`` and the groups below them, which a killed server left."""
    for parent in map(Path, parents):
        with contextlib.suppress(OSError):
            for child in [path for path in parent.iterdir() if path.is_dir()]:
                with contextlib.suppress(OSError):
                    child.rmdir()
            parent.rmdir()


def _own_groups(membership: Path) -> list[tuple[str, str]]:
    found = []
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        found += [(controller, path) for controller in controllers.split(",")]
    return found


def _parent(mount: Path, own: str, name: str, limit_file: str) -> Path:
    # In a container the path may be one of the host that is not visible here. Then the root of the mount is our group.
    base = mount / own.strip("/")
    parent = (base if base.is_dir() else mount) / name
    parent.mkdir(exist_ok=True)
    if not os.access(parent / limit_file, os.W_OK):
        parent.rmdir()
        raise OSError(13, "limits cannot be written")
    return parent


def _version_2(root: Path, own: str, name: str) -> Groups:
    """Create the parent group. In version 2 a group has processes or limited children, so this process may move."""
    base = root / own.strip("/")
    if not base.is_dir():
        base = root
    parent, leaf = base / name, base / f"{name}-server"
    parent.mkdir(exist_ok=True)
    wanted = [c for c in ("memory", "cpu") if c in (base / "cgroup.controllers").read_text().split()]
    enable = " ".join(f"+{controller}" for controller in wanted)
    try:
        if "memory" not in wanted:
            raise OSError(95, "the memory controller is not delegated")
        try:
            (base / "cgroup.subtree_control").write_text(enable)
        except OSError:
            leaf.mkdir(exist_ok=True)
            for pid in (base / "cgroup.procs").read_text().split():
                # Only this server. If the group has other processes, the kernel rejects the write below again.
                if int(pid) == os.getpid():
                    (leaf / "cgroup.procs").write_text(pid)
            (base / "cgroup.subtree_control").write_text(enable)
        (parent / "cgroup.subtree_control").write_text(enable)
    except OSError:
        with contextlib.suppress(OSError):
            parent.rmdir()
        raise
    return Groups(parent, parent if "cpu" in wanted else None, 2, server=leaf if leaf.is_dir() else None)


def _limit_memory(group: Path, limit: int, version: int) -> None:
    if version == 1:
        (group / "memory.limit_in_bytes").write_text(str(limit))
        _write_if_exists(group / "memory.memsw.limit_in_bytes", limit)
    else:
        (group / "memory.max").write_text(str(limit))
        _write_if_exists(group / "memory.swap.max", 0)
        _write_if_exists(group / "memory.oom.group", 1)


def _write_if_exists(file: Path, value: object) -> None:
    """Set a value that not every kernel has."""
    with contextlib.suppress(OSError):
        if file.exists():
            file.write_text(str(value))


def _counter(file: Path, key: str) -> int:
    try:
        for line in file.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
