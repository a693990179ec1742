"""Limits on the disk space of pods: logs of finished pods, volumes with a size limit, ephemeral storage."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..objects.quantity import parse
from ..objects.store import Object
from ..runtime.disk_usage import used_bytes

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


def find_excess(pod: Object, folder: Path, written: Mapping[str, int]) -> str:
    """The kubelet's message if a running pod exceeds a limit and must be evicted, otherwise empty.

    ``folder`` is the pod's folder, with ``volumes/NAME``. ``written`` are the bytes that containers wrote to their root
    file systems, by the container's name.
    """
    total = sum(written.values())
    for volume in pod["spec"].get("volumes") or []:
        empty: dict[str, Any] = volume.get("emptyDir") or {}
        limit = empty.get("sizeLimit") if empty.get("medium") != "Memory" else None
        if "emptyDir" not in volume:
            continue
        used = used_bytes(folder / "volumes" / volume["name"])
        total += used
        if limit and used > parse(limit):
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{limit}". '
    limits = _limits(pod)
    if limits and total > sum(map(parse, limits.values())):
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {_sum(limits.values())}. "
    for name, limit in limits.items():
        if written.get(name, 0) > parse(limit):
            return f'Container {name} exceeded its local ephemeral storage limit "{limit}". '
    return ""


def has_limit(pod: Object) -> bool:
    """Whether the pod has a limit that ``find_excess`` checks."""
    sized = any((v.get("emptyDir") or {}).get("sizeLimit") for v in pod["spec"].get("volumes") or [])
    return sized or bool(_limits(pod))


def _sum(limits: Collection[str]) -> str:
    """The sum of quantities, in the largest binary unit without a fraction."""
    if len(limits) == 1:
        return next(iter(limits))
    total = int(sum(map(parse, limits)))
    for power, unit in ((3, "Gi"), (2, "Mi"), (1, "Ki")):
        if total % 1024**power == 0:
            return f"{total // 1024**power}{unit}"
    return str(total)


def _limits(pod: Object) -> dict[str, str]:
    """The limits of ephemeral storage, by the name of the container."""
    found = {c["name"]: (c.get("resources") or {}).get("limits") or {} for c in pod["spec"]["containers"]}
    return {name: limits["ephemeral-storage"] for name, limits in found.items() if "ephemeral-storage" in limits}
