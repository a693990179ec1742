"""What the controls of the Pod Security Standards share: the parts of a pod, violations, and how to report them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

import msgspec

from dag_factory.config.model import Fragment
from dag_factory.config.positions import KeyPath

Level = Literal["privileged", "baseline", "restricted"]

BASELINE_CAPABILITIES = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT".split()
)
PROFILES = ("RuntimeDefault", "Localhost")
CONTEXT = "securityContext"


class Violation(msgspec.Struct, frozen=True):
    """One field of a pod that a level forbids. ``path`` leads to the field, or to the part of the pod that lacks it.

    ``level`` is the lowest level that forbids it, ``control`` the name of the control in the standard.
    """

    level: Level
    control: str
    message: str
    hint: str
    path: KeyPath


class PodParts(msgspec.Struct, frozen=True):
    """A pod as the controls read it: each container and each security context with its path."""

    pod: Fragment
    spec: Fragment
    containers: tuple[tuple[KeyPath, Fragment], ...]
    contexts: tuple[tuple[KeyPath, Fragment], ...]  # of the pod, then of each container
    is_windows: bool


Control = Callable[[PodParts], Iterator[Violation]]


def check_added_capabilities(
    level: Level, names: list[Any], path: KeyPath, allowed: Collection[str]
) -> Iterator[Violation]:
    """A violation for each capability that must not be added."""
    for name in names:
        if name not in allowed:
            message = f"the capability `{name}` must not be added"
            hint = f"remove it; allowed: {', '.join(sorted(allowed))}"
            yield Violation(level, "Capabilities", message, hint, path)


def forbidden(control: str, path: KeyPath, value: str, hint: str) -> Violation:
    """A violation of `baseline` by a field that must not have ``value``."""
    return Violation("baseline", control, f"`{path[-1]}` must not be set to {value}", hint, path)


def not_one_of(level: Level, control: str, path: KeyPath, value: Any, allowed: Collection[str]) -> Violation:
    """A violation by a field whose value must be one of ``allowed``."""
    message = f"`{_key(path)}` must not be `{value}`"
    return Violation(level, control, message, f"leave the key out, or use one of: {', '.join(allowed)}", path)


def required(control: str, path: KeyPath, context: Fragment, key: str, value: str) -> Violation:
    """A violation of a field that must have a value. The path leads to its value, or to the container without one."""
    found: Any = context
    field_path = path
    for step in key.split("."):
        if not isinstance(found, dict) or found.get(step) is None:
            break
        found, field_path = found[step], (*field_path, step)
    if field_path == path and not context:
        field_path = path[:-1]
    hint = f"set `{CONTEXT}.{key}` to {value}, or leave the key out so that the factory sets it"
    return Violation("restricted", control, f"`{CONTEXT}.{key}` must be {value}", hint, field_path)


def _key(path: KeyPath) -> str:
    return ".".join(str(step) for step in path[-2:] if isinstance(step, str))


def is_on(value: Any) -> bool:
    """Whether a field is set to anything but false."""
    return value not in (None, False)


def as_map(value: Any) -> Fragment:
    """The value if it is a map, otherwise an empty map."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, otherwise an empty list."""
    return value if isinstance(value, list) else []
