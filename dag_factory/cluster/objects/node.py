"""The one node of the cluster, with the capacity of the cluster's settings."""

from __future__ import annotations

import platform
import socket
from pathlib import Path
from typing import Any

from . import clock
from .store import Object

VERSION = "v1.33.13"
MAX_PODS = 250


def name() -> str:
    return socket.gethostname().lower().split(".")[0] or "local"


def make(cpu: str, memory: str, gpus: int, labels: dict[str, str], engine: str) -> Object:
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    capacity = {"cpu": cpu, "ephemeral-storage": "100Gi", "memory": memory, "pods": str(MAX_PODS)}
    if gpus:
        capacity["nvidia.com/gpu"] = str(gpus)
    default_labels = {"beta.kubernetes.io/arch": arch, "beta.kubernetes.io/os": "linux"}
    default_labels |= {"kubernetes.io/arch": arch, "kubernetes.io/os": "linux", "kubernetes.io/hostname": name()}
    ready = [
        _condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        _condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        _condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        _condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    return {
        "metadata": {
            "name": name(),
            "labels": {**default_labels, **labels},
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
                "dagf.dev/stand-in": f"a local cluster for development, engine {engine}",
            },
        },
        "spec": {},
        "status": {
            "capacity": capacity,
            "allocatable": dict(capacity),
            "conditions": ready,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name()}],
            "nodeInfo": _info(arch, engine),
            "images": [],
        },
    }


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, Any]:
    now = clock.now()
    return {
        "type": kind,
        "status": status,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def _info(arch: str, engine: str) -> dict[str, str]:
    try:
        release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    except OSError:
        release = {}
    return {
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
        "kernelVersion": platform.release(),
        "osImage": release.get("PRETTY_NAME", "Linux").strip('"'),
        "containerRuntimeVersion": f"dagf-{engine}://1",
        "kubeletVersion": VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": arch,
    }
