"""The security context of a container: the user that it runs as, and what the kubelet refuses to run."""

from __future__ import annotations

from typing import Any

from ...objects.store import Object
from ...runtime.engine import PulledImage
from .environment import ConfigError


def merged_context(pod: Object, container: dict[str, Any]) -> dict[str, Any]:
    """The security context of the pod with that of the container, whose fields take precedence."""
    own = {key: value for key, value in (container.get("securityContext") or {}).items() if value is not None}
    return {**(pod["spec"].get("securityContext") or {}), **own}


def run_as_user(pod: Object, container: dict[str, Any], image: PulledImage) -> int | None:
    """The user to run the container as. None: the engine decides, as the image says.

    Raises ConfigError with the kubelet's message if ``runAsNonRoot`` forbids the user.
    """
    context = merged_context(pod, container)
    user: int | None = context.get("runAsUser")
    if not context.get("runAsNonRoot"):
        return user
    meta = pod["metadata"]
    where = f'(pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})'
    if user is not None:
        if user == 0:
            raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
        return user
    name = image.user.partition(":")[0]
    if name and not name.isdecimal():
        text = f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root"
        raise ConfigError(f"{text} {where}")
    if int(name or 0) == 0:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    return int(name)


def groups(context: dict[str, Any]) -> list[int]:
    """The supplementary groups, with the group of the volumes."""
    found = list(context.get("supplementalGroups") or [])
    return [context["fsGroup"], *found] if context.get("fsGroup") is not None else found
