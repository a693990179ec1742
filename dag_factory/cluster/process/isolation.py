"""The kinds of isolation that this machine may allow, and its mounts that a container should see."""

from __future__ import annotations

import os
from pathlib import Path

from .linux import syscalls

_DESCRIPTIONS = {
    "namespaces": "mount, process, IPC and host name namespaces; pods use the network of this machine",
    "user-namespace": "a user namespace, with mount, process, IPC and host name namespaces; "
    "pods use the network of this machine",
}
_NOT_SHOWN = ("/proc", "/sys", "/dev", "/tmp", "/run", "/var/run", "/var/lib/docker", "/var/lib/containers", "/snap")
_NOT_FILE_SYSTEMS = {
    "autofs",
    "nsfs",
    "squashfs",
    "overlay",
    "fuse.portal",
    "fuse.snapfuse",
    "tracefs",
    "cgroup",
    "cgroup2",
}
_MAX_SUBMOUNTS = 40


def candidates() -> list[str]:
    """The kinds of isolation to try, best first."""
    if not syscalls.supported():
        return []
    return ["namespaces", "user-namespace"] if os.geteuid() == 0 else ["user-namespace"]


def describe(kind: str, why_plain: str) -> str:
    return _DESCRIPTIONS.get(kind) or (
        f"NONE, mount namespaces are not used ({why_plain}): pods are plain processes, mount paths are symbolic links "
        "on this machine, and pods that share a mount path run one after another"
    )


def submounts(state: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> list[str]:
    """Mount points below the folders of the root, outer ones first: an overlay of the root does not include them."""
    found: dict[str, None] = {}
    try:
        lines = mountinfo.read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        kind = after.split()[0]
        inside = point == str(state) or point.startswith(f"{state}/")
        if point.count("/") < 2 or kind in _NOT_FILE_SYSTEMS or inside:
            continue
        if not any(point == skipped or point.startswith(f"{skipped}/") for skipped in _NOT_SHOWN):
            found[point] = None
    return sorted(found, key=lambda point: point.count("/"))[:_MAX_SUBMOUNTS]
