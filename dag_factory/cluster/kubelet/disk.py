"""Limits on the disk space of pods: logs of finished pods, volumes with a size limit, ephemeral storage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..objects.quantity import parse
from ..objects.store import Object

FINISHED_PODS = 1000  # kept; a real cluster keeps 12,500
LOG_BYTES = 2 * 1024**3  # the logs of all finished pods together


def surplus(pods: list[Object], sizes: dict[str, int]) -> list[Object]:
    """The finished pods to delete, oldest first. ``sizes``: the bytes of each pod's logs, by uid."""
    oldest = sorted(pods, key=lambda pod: (str(pod["metadata"]["creationTimestamp"]), pod["metadata"]["uid"]))
    total, gone = sum(sizes.get(pod["metadata"]["uid"], 0) for pod in pods), []
    for index, pod in enumerate(oldest):
        if len(oldest) - index <= FINISHED_PODS and total <= LOG_BYTES:
            break
        gone.append(pod)
        total -= sizes.get(pod["metadata"]["uid"], 0)
    return gone


def find_excess(pod: Object, folder: Path) -> str:
    """The kubelet's message if a running pod exceeds a limit and must be evicted, otherwise empty.

    ``folder`` is the pod's folder, with ``volumes/NAME`` and ``containers/NAME``.
    """
    for volume in pod["spec"].get("volumes") or []:
        empty: dict[str, Any] = volume.get("emptyDir") or {}
        limit = empty.get("sizeLimit") if empty.get("medium") != "Memory" else None
        if limit and used_bytes(folder / "volumes" / volume["name"]) > parse(limit):
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
    for container in pod["spec"]["containers"]:
        limit = ((container.get("resources") or {}).get("limits") or {}).get("ephemeral-storage")
        if limit and used_bytes(folder / "containers" / container["name"]) > parse(limit):
            return f'Container {container["name"]} exceeded its local ephemeral storage limit "{limit}". '
    return ""


def has_limit(pod: Object) -> bool:
    """Whether the pod has a limit that ``find_excess`` checks."""
    sized = any((v.get("emptyDir") or {}).get("sizeLimit") for v in pod["spec"].get("volumes") or [])
    return sized or any(
        "ephemeral-storage" in ((c.get("resources") or {}).get("limits") or {}) for c in pod["spec"]["containers"]
    )


def used_bytes(folder: Path) -> int:
    """The bytes on the disk below a folder."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(f"{path}/{name}").st_blocks * 512
            except OSError:
                continue
    return total
