"""The specification of a container for an engine, derived from the pod's spec."""

from __future__ import annotations

import os
from pathlib import Path

from ...objects.quantity import parse
from ...objects.store import Object
from ...runtime.engine import ContainerSpec, Mount, PulledImage
from . import environment, etc_files, security
from .node_facts import NodeFacts
from .slot import Slot
from .volumes import Volumes


def container_spec(
    pod: Object, slot: Slot, folder: Path, volumes: Volumes, image: PulledImage, find: environment.Find, node: NodeFacts
) -> ContainerSpec:
    """``folder`` is the container's own folder.

    Raises ConfigError if the spec refers to a missing object, or forbids the user that the container would run as.
    """
    spec = slot.spec
    user = security.run_as_user(pod, spec, image)
    try:
        hostname = etc_files.hostname(pod, node.name)
        etc_mounts = etc_files.write(pod, node.name, node.ip, folder.parent.parent / "etc")
    except etc_files.HostnameError as error:
        raise environment.ConfigError(str(error)) from error
    variables = {"HOSTNAME": hostname, **environment.service_variables(node.api)}
    env = environment.build_environment(pod, spec, find, node.size, variables)
    folder.mkdir(parents=True, exist_ok=True)
    message = termination_log(folder)
    message.write_bytes(b"")
    message.chmod(0o666)
    mounts = volumes.mounts(spec, env)
    mounts.append(Mount(message, spec.get("terminationMessagePath") or "/dev/termination-log"))
    context = security.merged_context(pod, spec)
    capabilities = context.get("capabilities") or {}
    group = context.get("runAsGroup")
    if user is None and group is not None and image.user.partition(":")[0].isdecimal():
        user = int(image.user.partition(":")[0])  # the group alone cannot be set
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
        user=user,
        group=group,
        supplementary_groups=tuple(security.groups(context)),
        memory=int(parse(limits["memory"])) if limits.get("memory") else None,
        cpu=float(parse(limits["cpu"])) if limits.get("cpu") else None,
        hostname=hostname,
        etc_mounts=etc_mounts,
        read_only_root=bool(context.get("readOnlyRootFilesystem")),
        capabilities_added=tuple(capabilities.get("add") or ()),
        capabilities_dropped=tuple(capabilities.get("drop") or ()),
        no_new_privileges=context.get("allowPrivilegeEscalation") is False,
        privileged=bool(context.get("privileged")),
    )


def termination_log(folder: Path) -> Path:
    """The file to which the container writes its termination message."""
    return folder / "termination-log"
