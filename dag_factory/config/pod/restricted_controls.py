"""The controls that the level `restricted` of the Pod Security Standards adds to `baseline`."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.pod.security_control import (
    BASELINE_CAPABILITIES,
    CONTEXT,
    PROFILES,
    Control,
    PodParts,
    Violation,
    as_list,
    as_map,
    check_added_capabilities,
    required,
)

_VOLUMES = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")


def _volume_types(pod: PodParts) -> Iterator[Violation]:
    for index, volume in enumerate(as_list(pod.spec.get("volumes"))):
        fields = as_map(volume)
        kinds = [key for key in fields if key != "name" and fields[key] is not None]
        for kind in kinds:  # a volume without a kind is an empty directory
            if kind not in _VOLUMES and kind != "hostPath":
                field_path = ("spec", "volumes", index, kind)
                message = f"the volume `{fields.get('name', '')}` has the forbidden type `{kind}`"
                hint = f"use one of: {', '.join(_VOLUMES)}"
                yield Violation("restricted", "Volume Types", message, hint, field_path)


def _privilege_escalation(pod: PodParts) -> Iterator[Violation]:
    if pod.is_windows:
        return
    for path, context in pod.contexts[1:]:
        if context.get("allowPrivilegeEscalation") is not False:
            yield required("Privilege Escalation", path, context, "allowPrivilegeEscalation", "false")


def _non_root(pod: PodParts) -> Iterator[Violation]:
    (path, context), *others = pod.contexts
    own = context.get("runAsNonRoot")
    if own not in (None, True):
        yield required("Running as Non-root", path, context, "runAsNonRoot", "true")
    for path, context in others:
        value = context.get("runAsNonRoot")
        if value not in (None, True) or (value is None and own is None):  # a container inherits the pod's value
            yield required("Running as Non-root", path, context, "runAsNonRoot", "true")


def _non_root_user(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts:
        if context.get("runAsUser") == 0:
            message = f"`{CONTEXT}.runAsUser` must not be 0, which is root"
            hint = "use another user, or leave the key out"
            yield Violation("restricted", "Running as Non-root user", message, hint, (*path, "runAsUser"))


def _seccomp_restricted(pod: PodParts) -> Iterator[Violation]:
    if pod.is_windows or as_map(pod.contexts[0][1].get("seccompProfile")).get("type") in PROFILES:
        return
    for path, context in pod.contexts[1:]:
        if as_map(context.get("seccompProfile")).get("type") is None:
            yield required("Seccomp", path, context, "seccompProfile.type", "RuntimeDefault or Localhost")


def _capabilities_restricted(pod: PodParts) -> Iterator[Violation]:
    if pod.is_windows:
        return
    for path, context in pod.contexts[1:]:
        capabilities = as_map(context.get("capabilities"))
        if "ALL" not in as_list(capabilities.get("drop")):
            yield required("Capabilities", path, context, "capabilities.drop", "[ALL]")
        added = [
            name for name in as_list(capabilities.get("add")) if name in BASELINE_CAPABILITIES
        ]  # others violate `baseline`
        field_path = (*path, "capabilities", "add")
        yield from check_added_capabilities("restricted", added, field_path, ("NET_BIND_SERVICE",))


RESTRICTED: tuple[Control, ...] = (
    *(_volume_types, _privilege_escalation, _non_root, _non_root_user, _seccomp_restricted),
    _capabilities_restricted,
)
