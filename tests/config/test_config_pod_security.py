"""The Pod Security Standards: a passing and a failing value for each control and field."""

from __future__ import annotations

from typing import Any

import pytest

from dag_factory.config.pod.security_control import Level
from dag_factory.config.pod.security_standards import violations
from dag_factory.config.pod.strategic_merge import apply_patch
from dag_factory.config.positions import dotted

SECURE: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
PLAIN: dict[str, Any] = {"metadata": {}, "spec": {"containers": [{"name": "base"}]}}
HARD: dict[str, Any] = {"spec": {"containers": [{"name": "base", "securityContext": SECURE}]}}
CONTAINERS = ("containers", "initContainers")


def pod_with(context: dict[str, Any], base: dict[str, Any] = PLAIN) -> dict[str, Any]:
    """A pod with this security context."""
    return {**base, "spec": {**base["spec"], "securityContext": context}}


def container_with(container: dict[str, Any], key: str = "containers") -> dict[str, Any]:
    """A pod with a second container, in one of the two lists, that has these fields."""
    spec: dict[str, Any] = {"containers": [{"name": "base"}], "initContainers": [{"name": "first"}]}
    spec[key] = [*spec[key], {"name": "more", **container}]
    return {"spec": spec}


def hardened_with(change: dict[str, Any], key: str = "containers") -> dict[str, Any]:
    """A pod that passes `restricted`, except for a change to the security context of one container."""
    spec: dict[str, Any] = {name: [{"name": name.lower(), "securityContext": SECURE}] for name in CONTAINERS}
    context = {name: value for name, value in {**SECURE, **change}.items() if value is not None}
    spec[key] = [{"name": "more", "securityContext": context}]
    return {"spec": spec}


def violations_of(pod: dict[str, Any], level: Level) -> list[str]:
    """Each violation as `level, control: path`."""
    return [f"{one.level}, {one.control}: {dotted(one.path)}" for one in violations(pod, level)]


POD_FIELDS = [  # control, field of the spec, allowed values, forbidden values
    ("Host Namespaces", "hostNetwork", [False], [True]),
    ("Host Namespaces", "hostPID", [False], [True]),
    ("Host Namespaces", "hostIPC", [False], [True]),
]


@pytest.mark.parametrize(("control", "field", "good", "bad"), POD_FIELDS)
def test_fields_of_the_pod(control: str, field: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert violations_of({"spec": {**PLAIN["spec"], field: value}}, "baseline") == []
    for value in bad:
        assert violations_of({"spec": {**PLAIN["spec"], field: value}}, "baseline") == [
            f"baseline, {control}: spec.{field}"
        ]


SAFE_SYSCTLS = """kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start
net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time
net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_rmem
net.ipv4.tcp_wmem""".split()
SELINUX_TYPES = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]
SAFE_CAPABILITIES = """AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID
SETPCAP SETUID SYS_CHROOT""".split()
CONTEXT_FIELDS = [  # control, kind of context, path in it, allowed values, forbidden values
    ("HostProcess", "pod container", ("windowsOptions", "hostProcess"), [False], [True]),
    ("Privileged Containers", "container", ("privileged",), [False], [True]),
    ("Capabilities", "container", ("capabilities", "add"), [[], SAFE_CAPABILITIES], [["SYS_ADMIN"], ["ALL"]]),
    (
        *("AppArmor", "pod container", ("appArmorProfile", "type")),
        *(["RuntimeDefault", "Localhost"], ["Unconfined", "{{ params.profile }}"]),
    ),
    ("SELinux", "pod container", ("seLinuxOptions", "type"), SELINUX_TYPES, ["spc_t"]),
    ("SELinux", "pod container", ("seLinuxOptions", "user"), [""], ["system_u"]),
    ("SELinux", "pod container", ("seLinuxOptions", "role"), [""], ["system_r"]),
    ("/proc Mount Type", "container", ("procMount",), ["Default"], ["Unmasked"]),
    ("Seccomp", "pod container", ("seccompProfile", "type"), ["RuntimeDefault", "Localhost"], ["Unconfined"]),
    ("Sysctls", "pod", ("sysctls",), [[{"name": name} for name in SAFE_SYSCTLS]], [[{"name": "kernel.msgmax"}]]),
]


@pytest.mark.parametrize(("control", "where", "path", "good", "bad"), CONTEXT_FIELDS)
def test_fields_of_security_contexts(
    control: str, where: str, path: tuple[str, ...], good: list[Any], bad: list[Any]
) -> None:
    def context(value: Any) -> dict[str, Any]:
        for step in reversed(path):
            value = {step: value}
        return dict(value)

    last = "[0].name" if path == ("sysctls",) else ""
    places = {"spec.securityContext": pod_with} if "pod" in where else {}
    if "container" in where:
        places |= {
            f"spec.{key}[1].securityContext": lambda value, key=key: container_with({"securityContext": value}, key)
            for key in CONTAINERS
        }
    assert places
    for place, make in places.items():
        for value in good:
            assert violations_of(make(context(value)), "baseline") == []
        for value in bad:
            expected = f"baseline, {control}: {place}.{dotted(path)}{last}"
            assert violations_of(make(context(value)), "baseline") == [expected]


@pytest.mark.parametrize("key", CONTAINERS)
def test_host_ports(key: str) -> None:
    assert violations_of(container_with({"ports": [{"containerPort": 80}, {"hostPort": 0}]}, key), "baseline") == []
    bad = container_with({"ports": [{"containerPort": 80}, {"hostPort": 80}]}, key)
    assert violations_of(bad, "baseline") == [f"baseline, Host Ports: spec.{key}[1].ports[1].hostPort"]


def test_host_path_volumes() -> None:
    pod: dict[str, Any] = {"spec": {**PLAIN["spec"], "volumes": [{"name": "a", "emptyDir": {}}]}}
    assert violations_of(pod, "baseline") == []
    pod["spec"]["volumes"].append({"name": "b", "hostPath": {"path": "/"}})
    assert violations_of(pod, "baseline") == ["baseline, HostPath Volumes: spec.volumes[1].hostPath"]


def test_apparmor_by_annotation() -> None:
    key = "container.apparmor.security.beta.kubernetes.io/base"
    for value in ("", "runtime/default", "localhost/mine"):
        assert (
            violations_of({**PLAIN, "metadata": {"annotations": {key: value, "other": "unconfined"}}}, "baseline") == []
        )
    bad = {**PLAIN, "metadata": {"annotations": {key: "unconfined"}}}
    assert violations_of(bad, "baseline") == [f"baseline, AppArmor: metadata.annotations.{key}"]


VOLUMES = """awsElasticBlockStore azureDisk azureFile cephfs cinder fc flexVolume flocker gcePersistentDisk gitRepo
glusterfs image iscsi nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume""".split()
CORE = """configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret""".split()


def test_volume_types() -> None:
    good = [{"name": kind.lower(), kind: {}} for kind in CORE] + [{"name": "nothing"}]
    assert violations_of(apply_patch(HARD, {"spec": {"volumes": good}}), "restricted") == []
    for kind in VOLUMES:
        pod = {"spec": {**HARD["spec"], "volumes": [{"name": "a", kind: {}}]}}
        assert violations_of(pod, "baseline") == []
        assert violations_of(pod, "restricted") == [f"restricted, Volume Types: spec.volumes[0].{kind}"]


RESTRICTED = [  # control, change to a security context, path of the violation, or "" for the context itself
    ("Privilege Escalation", {"allowPrivilegeEscalation": None}, ""),
    ("Privilege Escalation", {"allowPrivilegeEscalation": True}, ".allowPrivilegeEscalation"),
    ("Running as Non-root", {"runAsNonRoot": None}, ""),
    ("Running as Non-root", {"runAsNonRoot": False}, ".runAsNonRoot"),
    ("Running as Non-root user", {"runAsUser": 0}, ".runAsUser"),
    ("Seccomp", {"seccompProfile": None}, ""),
    ("Capabilities", {"capabilities": None}, ""),
    ("Capabilities", {"capabilities": {"drop": ["NET_RAW"]}}, ".capabilities.drop"),
    ("Capabilities", {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}, ".capabilities.add"),
]


@pytest.mark.parametrize("key", CONTAINERS)
@pytest.mark.parametrize(("control", "change", "place"), RESTRICTED)
def test_restricted_requirements_for_each_container(control: str, change: dict[str, Any], place: str, key: str) -> None:
    assert (
        violations_of(
            hardened_with({"runAsUser": 1, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}),
            "restricted",
        )
        == []
    )
    pod = hardened_with(change, key)
    assert violations_of(pod, "baseline") == []
    assert violations_of(pod, "restricted") == [f"restricted, {control}: spec.{key}[0].securityContext{place}"]


def test_container_inherits_from_the_pod() -> None:
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {"spec": {"containers": [{"name": "base", "securityContext": own}]}}
    hard = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert violations_of(pod_with(hard, pod), "restricted") == []
    assert violations_of(pod_with({**hard, "runAsUser": 0}, pod), "restricted") == [
        "restricted, Running as Non-root user: spec.securityContext.runAsUser"
    ]
    assert violations_of(pod_with({**hard, "runAsNonRoot": False}, pod), "restricted") == [
        "restricted, Running as Non-root: spec.securityContext.runAsNonRoot"
    ]
    assert violations_of(pod_with({}, pod), "restricted") == [
        "restricted, Running as Non-root: spec.containers[0].securityContext",
        "restricted, Seccomp: spec.containers[0].securityContext",
    ]
    assert violations_of(pod_with({**hard, "runAsNonRoot": False}, HARD), "restricted") == [
        "restricted, Running as Non-root: spec.securityContext.runAsNonRoot"
    ]


def test_container_without_a_security_context() -> None:
    assert violations_of(PLAIN, "restricted") == [
        f"restricted, {control}: spec.containers[0]"
        for control in ("Privilege Escalation", "Running as Non-root", "Seccomp", "Capabilities")
    ]


def test_windows_pod() -> None:
    """Kubernetes rejects these fields in a Windows pod, so the standard does not require them."""
    windows = {"spec": {"os": {"name": "windows"}, "containers": [{"name": "base"}]}}
    assert violations_of(windows, "restricted") == ["restricted, Running as Non-root: spec.containers[0]"]
    assert violations_of(pod_with({"runAsNonRoot": True}, windows), "restricted") == []
    bad = pod_with({"runAsNonRoot": True, "windowsOptions": {"hostProcess": True}}, windows)
    assert violations_of(bad, "restricted") == [
        "baseline, HostProcess: spec.securityContext.windowsOptions.hostProcess"
    ]


def test_user_namespace_relaxes_nothing() -> None:
    """Version 1.33 relaxes three controls, but only behind a feature gate that is off by default."""
    pod = container_with({"securityContext": {"procMount": "Unmasked"}})
    assert violations_of({"spec": {**pod["spec"], "hostUsers": False}}, "baseline") == [
        "baseline, /proc Mount Type: spec.containers[1].securityContext.procMount"
    ]
    root = hardened_with({"runAsUser": 0})
    assert violations_of({"spec": {**root["spec"], "hostUsers": False}}, "restricted") == [
        "restricted, Running as Non-root user: spec.containers[0].securityContext.runAsUser"
    ]


def test_privileged_allows_everything() -> None:
    assert (
        violations_of(
            {"spec": {"hostPID": True, "containers": [{"securityContext": {"privileged": True}}]}}, "privileged"
        )
        == []
    )


def test_violation_has_a_hint() -> None:
    (one,) = violations({"spec": {"hostPID": True, "containers": []}}, "baseline")
    assert (one.message, one.hint) == ("`hostPID` must not be set to true", "leave the key out")
    assert all(one.hint for one in violations(PLAIN, "restricted"))
