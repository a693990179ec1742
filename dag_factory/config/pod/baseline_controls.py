"""The controls of the level `baseline` of the Pod Security Standards."""

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
    forbidden,
    is_on,
    not_one_of,
)

_SYSCTLS = frozenset(
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports "
    "net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range net.ipv4.tcp_fin_timeout "
    "net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_keepalive_time net.ipv4.tcp_rmem "
    "net.ipv4.tcp_syncookies net.ipv4.tcp_wmem".split()
)
_SELINUX_TYPES = ("container_t", "container_init_t", "container_kvm_t", "container_engine_t")
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def _host_process(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts:
        if is_on(as_map(context.get("windowsOptions")).get("hostProcess")):
            yield forbidden("HostProcess", (*path, "windowsOptions", "hostProcess"), "true", "leave the key out")


def _host_namespaces(pod: PodParts) -> Iterator[Violation]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if is_on(pod.spec.get(key)):
            yield forbidden("Host Namespaces", ("spec", key), "true", "leave the key out")


def _privileged(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts[1:]:
        if is_on(context.get("privileged")):
            yield forbidden("Privileged Containers", (*path, "privileged"), "true", "leave the key out")


def _capabilities(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts[1:]:
        field_path = (*path, "capabilities", "add")
        yield from check_added_capabilities(
            "baseline", as_list(as_map(context.get("capabilities")).get("add")), field_path, BASELINE_CAPABILITIES
        )


def _host_path_volumes(pod: PodParts) -> Iterator[Violation]:
    for index, volume in enumerate(as_list(pod.spec.get("volumes"))):
        if as_map(volume).get("hostPath") is not None:
            field_path = ("spec", "volumes", index, "hostPath")
            message = f"the volume `{as_map(volume).get('name', '')}` mounts a folder of the node (`hostPath`)"
            yield Violation("baseline", "HostPath Volumes", message, "use a claim (`pvc`) or `empty_dir`", field_path)


def _host_ports(pod: PodParts) -> Iterator[Violation]:
    for path, container in pod.containers:
        for index, port in enumerate(as_list(container.get("ports"))):
            host_port = as_map(port).get("hostPort")
            if host_port:
                field_path = (*path, "ports", index, "hostPort")
                yield forbidden("Host Ports", field_path, str(host_port), "leave the key out")


def _apparmor(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts:
        profile = as_map(context.get("appArmorProfile")).get("type")
        if profile is not None and profile not in PROFILES:
            yield not_one_of("baseline", "AppArmor", (*path, "appArmorProfile", "type"), profile, PROFILES)
    for key, text in as_map(as_map(pod.pod.get("metadata")).get("annotations")).items():
        if key.startswith(APPARMOR_ANNOTATION) and not (
            text in ("", "runtime/default") or str(text).startswith("localhost/")
        ):
            field_path = ("metadata", "annotations", key)
            yield not_one_of("baseline", "AppArmor", field_path, text, ("runtime/default", "localhost/..."))


def _selinux(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts:
        options = as_map(context.get("seLinuxOptions"))
        field_path = (*path, "seLinuxOptions")
        if options.get("type") and options["type"] not in _SELINUX_TYPES:
            yield not_one_of("baseline", "SELinux", (*field_path, "type"), options["type"], _SELINUX_TYPES)
        for key in ("user", "role"):
            if options.get(key):
                yield forbidden("SELinux", (*field_path, key), str(options[key]), "leave the key out")


def _proc_mount(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts[1:]:
        if context.get("procMount") not in (None, "Default"):
            field_path = (*path, "procMount")
            yield not_one_of("baseline", "/proc Mount Type", field_path, context["procMount"], ("Default",))


def _seccomp_baseline(pod: PodParts) -> Iterator[Violation]:
    for path, context in pod.contexts:
        profile = as_map(context.get("seccompProfile")).get("type")
        if profile is not None and profile not in PROFILES:
            yield not_one_of("baseline", "Seccomp", (*path, "seccompProfile", "type"), profile, PROFILES)


def _sysctls(pod: PodParts) -> Iterator[Violation]:
    for index, sysctl in enumerate(as_list(pod.contexts[0][1].get("sysctls"))):
        name = as_map(sysctl).get("name")
        if name not in _SYSCTLS:
            field_path = ("spec", CONTEXT, "sysctls", index, "name")
            yield forbidden("Sysctls", field_path, str(name), "remove it; only namespaced safe sysctls are allowed")


BASELINE: tuple[Control, ...] = (
    *(_host_process, _host_namespaces, _privileged, _capabilities, _host_path_volumes, _host_ports),
    *(_apparmor, _selinux, _proc_mount, _seccomp_baseline, _sysctls),
)
