"""The specification of a container for an engine, derived from the pod's spec."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...objects.quantity import parse
from ...objects.store import Object
from ...runtime.engine import ContainerSpec, Mount
from . import environment
from .slot import Slot
from .volumes import Volumes


def container_spec(
    pod: Object, slot: Slot, folder: Path, volumes: Volumes, find: environment.Find, node_size: dict[str, str]
) -> ContainerSpec:
    """``folder`` is the container's own folder. Raises ConfigError if the spec refers to a missing object."""
    spec = slot.spec
    env = environment.build_environment(pod, spec, find, node_size)
    folder.mkdir(parents=True, exist_ok=True)
    message = termination_log(folder)
    message.write_bytes(b"")
    message.chmod(0o666)
    mounts = volumes.mounts(spec, env)
    mounts.append(Mount(message, spec.get("terminationMessagePath") or "/dev/termination-log"))
    security = {**(pod["spec"].get("securityContext") or {}), **(spec.get("securityContext") or {})}
    limits = (spec.get("resources") or {}).get("limits") or {}
    return ContainerSpec(
        id=os.urandom(32).hex(),
        pod_uid=pod["metadata"]["uid"],
        pod=pod["metadata"]["name"],
        name=slot.name,
        image=spec["image"],
        command=tuple(environment.expand(word, env) for word in spec.get("command") or []),
        args=tuple(environment.expand(word, env) for word in spec.get("args") or []),
        env=env,
        working_dir=spec.get("workingDir") or None,
        mounts=tuple(mounts),
        scratch=folder / f"scratch-{slot.restarts}",
        pod_mounts=tuple(volumes.every_mount()),
        pod_images=tuple(c["image"] for c in [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]),
        user=security.get("runAsUser"),
        group=security.get("runAsGroup"),
        supplementary_groups=tuple(_groups(security)),
        memory=int(parse(limits["memory"])) if limits.get("memory") else None,
        cpu=float(parse(limits["cpu"])) if limits.get("cpu") else None,
    )


def termination_log(folder: Path) -> Path:
    """The file to which the container writes its termination message."""
    return folder / "termination-log"


def _groups(security: dict[str, Any]) -> list[int]:
    groups = list(security.get("supplementalGroups") or [])
    return [*groups, security["fsGroup"]] if security.get("fsGroup") else groups
