"""Discovery, which clients request first: the version, the API groups, their resources."""

from __future__ import annotations

import platform
from typing import Any

from ..objects import node
from ..resources.kinds import GROUPS, in_group
from . import reviews

# Served by `metrics`. These objects are not in the store.
_METRICS = ("metrics.k8s.io", "v1beta1")
_REVIEWS = tuple(dict.fromkeys((group, version) for group, version, _ in reviews.KINDS))


def version() -> dict[str, Any]:
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": "1",
        "minor": "33",
        "emulationMajor": "1",
        "emulationMinor": "33",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "32",
        "gitVersion": node.VERSION,
        "gitCommit": "dagf-local-cluster",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "none",
        "platform": f"linux/{arch}",
    }


def core(address: str) -> dict[str, Any]:
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def groups() -> dict[str, Any]:
    listed = []
    for group, group_version in (*GROUPS, *_REVIEWS, _METRICS):
        entry = {"groupVersion": f"{group}/{group_version}", "version": group_version}
        listed.append({"name": group, "versions": [entry], "preferredVersion": entry})
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(name: str) -> dict[str, Any] | None:
    found = next((g for g in groups()["groups"] if g["name"] == name), None)
    return {"kind": "APIGroup", "apiVersion": "v1", **found} if found else None


def resources(group_name: str, group_version: str) -> dict[str, Any] | None:
    listed: list[dict[str, Any]] = []
    if (group_name, group_version) == _METRICS:
        listed = [
            {"name": name, "singularName": "", "namespaced": name == "pods", "kind": kind, "verbs": ["get", "list"]}
            for name, kind in (("nodes", "NodeMetrics"), ("pods", "PodMetrics"))
        ]
    listed += [
        {"name": name, "singularName": kind.lower(), "namespaced": False, "kind": kind, "verbs": ["create"]}
        for (*group_, name), kind in reviews.KINDS.items()
        if tuple(group_) == (group_name, group_version)
    ]
    for resource in in_group(group_name, group_version):
        entry: dict[str, Any] = {
            "name": resource.name,
            "singularName": resource.kind.lower(),
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": list(resource.verbs),
        }
        if resource.short_names:
            entry["shortNames"] = list(resource.short_names)
        if resource.categories:
            entry["categories"] = list(resource.categories)
        listed.append(entry)
        for name in resource.subresources:
            verbs = {"log": ["get"], "exec": ["create", "get"], "eviction": ["create"]}.get(
                name, ["get", "patch", "update"]
            )
            sub: dict[str, Any] = {
                "name": f"{resource.name}/{name}",
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": {"exec": "PodExecOptions", "eviction": "Eviction"}.get(name, resource.kind),
                "verbs": verbs,
            }
            if name == "eviction":
                sub |= {"group": "policy", "version": "v1"}
            listed.append(sub)
    if not listed:
        return None
    full = f"{group_name}/{group_version}" if group_name else group_version
    # The list of the core group has no `apiVersion`.
    own = {"apiVersion": "v1"} if group_name else {}
    return {"kind": "APIResourceList", **own, "groupVersion": full, "resources": listed}
