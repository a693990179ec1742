"""Kubernetes' Pod Security Standards, version 1.33, as a function over a pod's JSON.

It has every control of the levels `baseline` and `restricted`, for all containers: the job's own, init containers,
sidecars and Airflow's. Ephemeral containers are left out because a pod cannot be created with them. User namespaces
(``hostUsers: false``) relax no control: in version 1.33 they do so only behind a feature gate that is off by
default. The control on hosts of probes and lifecycle hooks is newer (1.34).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

import msgspec

from dag_factory.config.model import Fragment, Job
from dag_factory.config.positions import KeyPath

VERSION = "v1.33"
LEVELS = ("privileged", "baseline", "restricted")
"""From the weakest to the strictest; a level contains the ones before it."""

Level = Literal["privileged", "baseline", "restricted"]

_CAPABILITIES = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT".split()
)
_SYSCTLS = frozenset(
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports "
    "net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range net.ipv4.tcp_fin_timeout "
    "net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_keepalive_time net.ipv4.tcp_rmem "
    "net.ipv4.tcp_syncookies net.ipv4.tcp_wmem".split()
)
_SELINUX_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_PROFILES = ("RuntimeDefault", "Localhost")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_VOLUMES = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
_CONTEXT = "securityContext"


class Violation(msgspec.Struct, frozen=True):
    """One field of a pod that a level forbids. ``path`` leads to the field, or to the part of the pod that lacks it.

    ``level`` is the lowest level that forbids it, ``control`` the name of the control in the standard.
    """

    level: Level
    control: str
    message: str
    hint: str
    path: KeyPath


class _Pod(msgspec.Struct, frozen=True):
    """A pod as the controls read it: each container and each security context with its path."""

    pod: Fragment
    spec: Fragment
    containers: tuple[tuple[KeyPath, Fragment], ...]
    contexts: tuple[tuple[KeyPath, Fragment], ...]  # of the pod, then of each container
    is_windows: bool


def may_violate_baseline(job: Job) -> bool:
    """Whether a job sets anything that `baseline` checks. For most jobs this saves building the pod."""
    return bool(
        job.pod
        or job.init_containers
        or job.security_context
        or job.pod_security_context
        or any(volume.kind == "host_path" for volume in job.volumes)
        or any(port.get("hostPort") for port in job.ports)
        or any(key.startswith(_APPARMOR) for key in job.annotations)
    )


def violations(pod: Fragment, level: Level) -> Iterator[Violation]:
    """Every violation of ``level`` in a pod's JSON, starting with those of `baseline`."""
    if level == "privileged":
        return
    spec = _map(pod.get("spec"))
    containers = tuple(
        (("spec", key, index), _map(container))
        for key in ("containers", "initContainers")
        for index, container in enumerate(_list(spec.get(key)))
    )
    contexts = (
        (("spec", _CONTEXT), _map(spec.get(_CONTEXT))),
        *(((*path, _CONTEXT), _map(container.get(_CONTEXT))) for path, container in containers),
    )
    parts = _Pod(pod, spec, containers, contexts, _map(spec.get("os")).get("name") == "windows")
    for control in _BASELINE:
        yield from control(parts)
    if level == "restricted":
        for control in _RESTRICTED:
            yield from control(parts)


def _host_process(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts:
        if _is_on(_map(context.get("windowsOptions")).get("hostProcess")):
            yield _forbidden("HostProcess", (*path, "windowsOptions", "hostProcess"), "true", "leave the key out")


def _host_namespaces(pod: _Pod) -> Iterator[Violation]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if _is_on(pod.spec.get(key)):
            yield _forbidden("Host Namespaces", ("spec", key), "true", "leave the key out")


def _privileged(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts[1:]:
        if _is_on(context.get("privileged")):
            yield _forbidden("Privileged Containers", (*path, "privileged"), "true", "leave the key out")


def _capabilities(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts[1:]:
        field_path = (*path, "capabilities", "add")
        yield from _check_added(
            "baseline", _list(_map(context.get("capabilities")).get("add")), field_path, _CAPABILITIES
        )


def _host_path_volumes(pod: _Pod) -> Iterator[Violation]:
    for index, volume in enumerate(_list(pod.spec.get("volumes"))):
        if _map(volume).get("hostPath") is not None:
            field_path = ("spec", "volumes", index, "hostPath")
            message = f"the volume `{_map(volume).get('name', '')}` mounts a folder of the node (`hostPath`)"
            yield Violation("baseline", "HostPath Volumes", message, "use a claim (`pvc`) or `empty_dir`", field_path)


def _host_ports(pod: _Pod) -> Iterator[Violation]:
    for path, container in pod.containers:
        for index, port in enumerate(_list(container.get("ports"))):
            host_port = _map(port).get("hostPort")
            if host_port:
                field_path = (*path, "ports", index, "hostPort")
                yield _forbidden("Host Ports", field_path, str(host_port), "leave the key out")


def _apparmor(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts:
        profile = _map(context.get("appArmorProfile")).get("type")
        if profile is not None and profile not in _PROFILES:
            yield _not_one_of("baseline", "AppArmor", (*path, "appArmorProfile", "type"), profile, _PROFILES)
    for key, text in _map(_map(pod.pod.get("metadata")).get("annotations")).items():
        if key.startswith(_APPARMOR) and not (text in ("", "runtime/default") or str(text).startswith("localhost/")):
            field_path = ("metadata", "annotations", key)
            yield _not_one_of("baseline", "AppArmor", field_path, text, ("runtime/default", "localhost/..."))


def _selinux(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts:
        options = _map(context.get("seLinuxOptions"))
        field_path = (*path, "seLinuxOptions")
        if options.get("type") and options["type"] not in _SELINUX_TYPES:
            yield _not_one_of("baseline", "SELinux", (*field_path, "type"), options["type"], _SELINUX_TYPES)
        for key in ("user", "role"):
            if options.get(key):
                yield _forbidden("SELinux", (*field_path, key), str(options[key]), "leave the key out")


def _proc_mount(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts[1:]:
        if context.get("procMount") not in (None, "Default"):
            field_path = (*path, "procMount")
            yield _not_one_of("baseline", "/proc Mount Type", field_path, context["procMount"], ("Default",))


def _seccomp_baseline(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts:
        profile = _map(context.get("seccompProfile")).get("type")
        if profile is not None and profile not in _PROFILES:
            yield _not_one_of("baseline", "Seccomp", (*path, "seccompProfile", "type"), profile, _PROFILES)


def _sysctls(pod: _Pod) -> Iterator[Violation]:
    for index, sysctl in enumerate(_list(pod.contexts[0][1].get("sysctls"))):
        name = _map(sysctl).get("name")
        if name not in _SYSCTLS:
            field_path = ("spec", _CONTEXT, "sysctls", index, "name")
            yield _forbidden("Sysctls", field_path, str(name), "remove it; only namespaced safe sysctls are allowed")


def _volume_types(pod: _Pod) -> Iterator[Violation]:
    for index, volume in enumerate(_list(pod.spec.get("volumes"))):
        fields = _map(volume)
        kinds = [key for key in fields if key != "name" and fields[key] is not None]
        for kind in kinds:  # a volume without a kind is an empty directory
            if kind not in _VOLUMES and kind != "hostPath":
                field_path = ("spec", "volumes", index, kind)
                message = f"the volume `{fields.get('name', '')}` has the forbidden type `{kind}`"
                hint = f"use one of: {', '.join(_VOLUMES)}"
                yield Violation("restricted", "Volume Types", message, hint, field_path)


def _privilege_escalation(pod: _Pod) -> Iterator[Violation]:
    if pod.is_windows:
        return
    for path, context in pod.contexts[1:]:
        if context.get("allowPrivilegeEscalation") is not False:
            yield _required("Privilege Escalation", path, context, "allowPrivilegeEscalation", "false")


def _non_root(pod: _Pod) -> Iterator[Violation]:
    (path, context), *others = pod.contexts
    own = context.get("runAsNonRoot")
    if own not in (None, True):
        yield _required("Running as Non-root", path, context, "runAsNonRoot", "true")
    for path, context in others:
        value = context.get("runAsNonRoot")
        if value not in (None, True) or (value is None and own is None):  # a container inherits the pod's value
            yield _required("Running as Non-root", path, context, "runAsNonRoot", "true")


def _non_root_user(pod: _Pod) -> Iterator[Violation]:
    for path, context in pod.contexts:
        if context.get("runAsUser") == 0:
            message = f"`{_CONTEXT}.runAsUser` must not be 0, which is root"
            hint = "use another user, or leave the key out"
            yield Violation("restricted", "Running as Non-root user", message, hint, (*path, "runAsUser"))


def _seccomp_restricted(pod: _Pod) -> Iterator[Violation]:
    if pod.is_windows or _map(pod.contexts[0][1].get("seccompProfile")).get("type") in _PROFILES:
        return
    for path, context in pod.contexts[1:]:
        if _map(context.get("seccompProfile")).get("type") is None:
            yield _required("Seccomp", path, context, "seccompProfile.type", "RuntimeDefault or Localhost")


def _capabilities_restricted(pod: _Pod) -> Iterator[Violation]:
    if pod.is_windows:
        return
    for path, context in pod.contexts[1:]:
        capabilities = _map(context.get("capabilities"))
        if "ALL" not in _list(capabilities.get("drop")):
            yield _required("Capabilities", path, context, "capabilities.drop", "[ALL]")
        added = [name for name in _list(capabilities.get("add")) if name in _CAPABILITIES]  # others violate `baseline`
        field_path = (*path, "capabilities", "add")
        yield from _check_added("restricted", added, field_path, ("NET_BIND_SERVICE",))


_Control = Callable[[_Pod], Iterator[Violation]]
_BASELINE: tuple[_Control, ...] = (
    *(_host_process, _host_namespaces, _privileged, _capabilities, _host_path_volumes, _host_ports),
    *(_apparmor, _selinux, _proc_mount, _seccomp_baseline, _sysctls),
)
_RESTRICTED: tuple[_Control, ...] = (
    *(_volume_types, _privilege_escalation, _non_root, _non_root_user, _seccomp_restricted),
    _capabilities_restricted,
)


def _check_added(level: Level, names: list[Any], path: KeyPath, allowed: Collection[str]) -> Iterator[Violation]:
    """A violation for each capability that must not be added."""
    for name in names:
        if name not in allowed:
            message = f"the capability `{name}` must not be added"
            hint = f"remove it; allowed: {', '.join(sorted(allowed))}"
            yield Violation(level, "Capabilities", message, hint, path)


def _forbidden(control: str, path: KeyPath, value: str, hint: str) -> Violation:
    return Violation("baseline", control, f"`{path[-1]}` must not be set to {value}", hint, path)


def _not_one_of(level: Level, control: str, path: KeyPath, value: Any, allowed: Collection[str]) -> Violation:
    message = f"`{_key(path)}` must not be `{value}`"
    return Violation(level, control, message, f"leave the key out, or use one of: {', '.join(allowed)}", path)


def _required(control: str, path: KeyPath, context: Fragment, key: str, value: str) -> Violation:
    """A violation of a field that must have a value. The path leads to its value, or to the container without one."""
    found: Any = context
    field_path = path
    for step in key.split("."):
        if not isinstance(found, dict) or found.get(step) is None:
            break
        found, field_path = found[step], (*field_path, step)
    if field_path == path and not context:
        field_path = path[:-1]
    hint = f"set `{_CONTEXT}.{key}` to {value}, or leave the key out so that the factory sets it"
    return Violation("restricted", control, f"`{_CONTEXT}.{key}` must be {value}", hint, field_path)


def _key(path: KeyPath) -> str:
    return ".".join(str(step) for step in path[-2:] if isinstance(step, str))


def _is_on(value: Any) -> bool:
    return value not in (None, False)


def _map(value: Any) -> Fragment:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
