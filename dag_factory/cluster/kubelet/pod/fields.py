"""Which fields of a pod the local cluster applies, which it ignores and reports, and which it refuses.

A field is a path below ``spec`` without the indexes of lists, such as ``containers.resources.limits``. An entry stands
for all fields below it, and a longer entry takes precedence. Entries for ``containers`` are for init containers, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_ALL = frozenset({"docker", "namespaces", "user-namespace", "plain"})
_PROCESSES = _ALL - {"docker"}
_USERNS = frozenset({"user-namespace"})
_PLAIN = frozenset({"plain"})
_MAX_MESSAGE = 1024  # characters of an event's message

Condition = Callable[[dict[str, Any]], bool]  # whether the object that has the field needs no report


@dataclass(frozen=True)
class Ignored:
    """A field without effect in some kinds of isolation.

    ``default`` is what a real cluster sets, and ``harmless`` accepts other values that need no report.
    ``rootless``: it has no effect only if the server does not run as root.
    """

    path: str
    isolations: frozenset[str] = _ALL
    default: Any = None
    harmless: Condition | None = None
    rootless: bool = False

    def applies_to(self, isolation: str) -> bool:
        return isolation in self.isolations and not (self.rootless and os.geteuid() == 0)


def _has_default_seccomp(security: dict[str, Any]) -> bool:
    return (security["seccompProfile"] or {}).get("type") in ("RuntimeDefault", "Unconfined")


def _is_token_of_every_pod(source: dict[str, Any]) -> bool:
    return bool(source["serviceAccountToken"] == {"expirationSeconds": 3607, "path": "token"})


IGNORED = (
    Ignored("affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution"),
    Ignored("affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution"),
    Ignored("containers.lifecycle.stopSignal"),
    Ignored("containers.ports.hostIP"),
    Ignored("containers.ports.hostPort", harmless=lambda port: port["hostPort"] == port.get("containerPort")),
    Ignored("containers.resizePolicy"),
    Ignored("containers.resources.claims"),
    Ignored("containers.resources.limits.ephemeral-storage", _PLAIN),
    Ignored("containers.restartPolicy"),
    Ignored("containers.restartPolicyRules"),
    Ignored("containers.securityContext.appArmorProfile"),
    Ignored("containers.securityContext.capabilities", _USERNS | _PLAIN),
    Ignored("containers.securityContext.privileged", _PROCESSES, default=False),
    Ignored("containers.securityContext.procMount", default="Default"),
    Ignored("containers.securityContext.readOnlyRootFilesystem", _PLAIN, default=False),
    Ignored("containers.securityContext.runAsGroup", _PLAIN, rootless=True),
    Ignored("containers.securityContext.runAsUser", _PLAIN, rootless=True),
    Ignored("containers.securityContext.seLinuxOptions"),
    Ignored("containers.securityContext.seccompProfile", frozenset({"docker"}), harmless=_has_default_seccomp),
    Ignored("containers.securityContext.seccompProfile", _PROCESSES, default={"type": "Unconfined"}),
    Ignored("containers.securityContext.windowsOptions"),
    Ignored("containers.stdin", default=False),
    Ignored("containers.stdinOnce", default=False),
    Ignored("containers.tty", default=False),
    Ignored("containers.volumeDevices"),
    Ignored("containers.volumeMounts.mountPropagation", default="None"),
    Ignored(
        "containers.volumeMounts.readOnly",
        _PLAIN,
        default=False,
        harmless=lambda mount: mount["name"].startswith("kube-api-access-"),
    ),
    Ignored("containers.volumeMounts.recursiveReadOnly", default="Disabled"),
    Ignored("dnsConfig", _PLAIN),
    Ignored("dnsPolicy", _PLAIN, harmless=lambda spec: spec["dnsPolicy"] != "None"),
    Ignored("hostAliases", _PLAIN),
    Ignored("hostIPC", default=False),
    Ignored("hostPID", default=False),
    Ignored("hostUsers", default=True),
    Ignored("hostname", _PLAIN),
    Ignored("hostnameOverride"),
    Ignored("imagePullSecrets"),
    Ignored("os.name", default="linux"),
    Ignored("preemptionPolicy", default="PreemptLowerPriority"),
    Ignored("readinessGates"),
    Ignored("resourceClaims"),
    Ignored("resources"),
    Ignored("runtimeClassName"),
    Ignored("schedulerName", default="default-scheduler"),
    Ignored("schedulingGates"),
    Ignored("schedulingGroup"),
    Ignored("securityContext.appArmorProfile"),
    Ignored("securityContext.fsGroup", _USERNS),
    Ignored("securityContext.fsGroup", frozenset({"docker", "namespaces", "plain"}), rootless=True),
    Ignored("securityContext.runAsGroup", _PLAIN, rootless=True),
    Ignored("securityContext.runAsUser", _PLAIN, rootless=True),
    Ignored("securityContext.seLinuxChangePolicy"),
    Ignored("securityContext.seLinuxOptions"),
    Ignored("securityContext.seccompProfile", frozenset({"docker"}), harmless=_has_default_seccomp),
    Ignored("securityContext.seccompProfile", _PROCESSES, default={"type": "Unconfined"}),
    Ignored("securityContext.supplementalGroups", _USERNS),
    Ignored("securityContext.supplementalGroups", _PLAIN, rootless=True),
    Ignored("securityContext.supplementalGroupsPolicy", default="Merge"),
    Ignored("securityContext.sysctls"),
    Ignored("securityContext.windowsOptions"),
    Ignored("setHostnameAsFQDN", _PLAIN, default=False),
    Ignored("shareProcessNamespace", default=False),
    Ignored("subdomain", _PLAIN),
    Ignored("topologySpreadConstraints"),
    Ignored("volumes.emptyDir.medium", harmless=lambda volume: not volume["medium"].startswith("HugePages")),
    Ignored("volumes.projected.sources.clusterTrustBundle"),
    Ignored("volumes.projected.sources.podCertificate"),
    Ignored(
        "volumes.projected.sources.serviceAccountToken",
        harmless=_is_token_of_every_pod,
    ),
)

APPLIED = frozenset(
    """
    activeDeadlineSeconds affinity automountServiceAccountToken
    containers.args containers.command containers.env containers.envFrom containers.image containers.imagePullPolicy
    containers.lifecycle containers.livenessProbe containers.name containers.ports.containerPort containers.ports.name
    containers.ports.protocol containers.readinessProbe containers.resources.limits containers.resources.requests
    containers.securityContext.allowPrivilegeEscalation containers.securityContext.capabilities
    containers.securityContext.privileged containers.securityContext.readOnlyRootFilesystem
    containers.securityContext.runAsGroup containers.securityContext.runAsNonRoot containers.securityContext.runAsUser
    containers.startupProbe containers.terminationMessagePath containers.terminationMessagePolicy
    containers.volumeMounts.mountPath containers.volumeMounts.name containers.volumeMounts.readOnly
    containers.volumeMounts.subPath containers.volumeMounts.subPathExpr containers.workingDir
    dnsConfig dnsPolicy enableServiceLinks hostAliases hostNetwork hostname initContainers.restartPolicy nodeName
    nodeSelector overhead priority priorityClassName restartPolicy
    securityContext.fsGroup securityContext.fsGroupChangePolicy securityContext.runAsGroup
    securityContext.runAsNonRoot securityContext.runAsUser securityContext.supplementalGroups
    serviceAccount serviceAccountName setHostnameAsFQDN subdomain terminationGracePeriodSeconds tolerations
    volumes.configMap volumes.downwardAPI volumes.emptyDir volumes.hostPath volumes.name
    volumes.persistentVolumeClaim volumes.projected volumes.secret
    """.split()
)

# A container or volume with one of these does not start, and an event gives the reason. A probe fails.
REFUSED = frozenset(
    """
    containers.env.valueFrom.fileKeyRef containers.livenessProbe.grpc containers.readinessProbe.grpc
    containers.startupProbe.grpc
    volumes.awsElasticBlockStore volumes.azureDisk volumes.azureFile volumes.cephfs volumes.cinder volumes.csi
    volumes.ephemeral volumes.fc volumes.flexVolume volumes.flocker volumes.gcePersistentDisk volumes.gitRepo
    volumes.glusterfs volumes.image volumes.iscsi volumes.nfs volumes.photonPersistentDisk volumes.portworxVolume
    volumes.quobyte volumes.rbd volumes.scaleIO volumes.storageos volumes.vsphereVolume
    """.split()
)


def ignored_fields(spec: dict[str, Any], isolation: str) -> list[str]:
    """The fields of a pod's spec that have no effect here and differ from their defaults, as paths for people."""
    found: dict[str, None] = {}
    for row in IGNORED:
        if row.applies_to(isolation):
            for name, value, owner in _values(spec, row.path.split("."), "spec"):
                if _is_unset(value) or value == row.default:
                    continue
                if row.harmless is None or not row.harmless(owner):
                    found[name] = None
    return list(found)


def describe(fields: list[str]) -> str:
    """The message of the event about ignored fields."""
    text = f"the local cluster ignores {', '.join(fields)}"
    end = "; a real cluster applies them, see docs/local-cluster.md"
    return text[: _MAX_MESSAGE - len(end)] + end


def _values(value: Any, path: list[str], name: str) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Each occurrence of the field ``path`` below ``value``: its name for people, its value, and its owner."""
    key, *rest = path
    if not isinstance(value, dict):
        return
    keys = ["initContainers", "containers"] if name == "spec" and key == "containers" else [key]
    if [key, *rest] == ["containers", "restartPolicy"]:
        keys = ["containers"]  # init containers may have one
    for each in keys:
        child = value.get(each)
        if not rest:
            yield f"{name}.{each}", child, value
        elif isinstance(child, list):
            for index, item in enumerate(child):
                label = item.get("name", index) if isinstance(item, dict) else index
                yield from _values(item, rest, f"{name}.{each}[{label}]")
        else:
            yield from _values(child, rest, f"{name}.{each}")


def _is_unset(value: Any) -> bool:
    return value is None or value in ("", [], {})
