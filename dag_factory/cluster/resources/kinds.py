"""The kinds of objects this API serves, and the paths they are served under."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import no_such_path

_ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    name: str
    kind: str
    namespaced: bool = True
    group: str = ""
    version: str = "v1"
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _ALL

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True)
class Target:
    """What a path refers to. ``namespace`` None: all namespaces, or a resource without namespaces."""

    resource: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None

    @property
    def namespace_key(self) -> str:
        """The namespace as the store expects it: empty for a resource without namespaces."""
        return self.namespace or ""


RESOURCES = (
    Resource("configmaps", "ConfigMap", short_names=("cm",)),
    Resource("events", "Event", short_names=("ev",)),
    Resource(
        "namespaces",
        "Namespace",
        namespaced=False,
        short_names=("ns",),
        subresources=("status",),
        verbs=tuple(verb for verb in _ALL if verb != "deletecollection"),
    ),
    Resource(
        "nodes",
        "Node",
        namespaced=False,
        short_names=("no",),
        subresources=("status",),
        verbs=("get", "list", "patch", "watch"),
    ),
    Resource("persistentvolumeclaims", "PersistentVolumeClaim", short_names=("pvc",), subresources=("status",)),
    Resource(
        "pods",
        "Pod",
        short_names=("po",),
        categories=("all",),
        subresources=("eviction", "exec", "log", "status"),
    ),
    Resource("secrets", "Secret"),
    Resource("serviceaccounts", "ServiceAccount", short_names=("sa",)),
    Resource("jobs", "Job", group="batch", categories=("all",), subresources=("status",)),
    Resource("priorityclasses", "PriorityClass", namespaced=False, group="scheduling.k8s.io", short_names=("pc",)),
)

_BY_NAME = {(r.group, r.version, r.name): r for r in RESOURCES}
GROUPS = tuple(dict.fromkeys((r.group, r.version) for r in RESOURCES if r.group))


def in_group(group: str, version: str) -> list[Resource]:
    return [r for r in RESOURCES if (r.group, r.version) == (group, version)]


def resource_named(name: str) -> Resource:
    return next(r for r in RESOURCES if r.name == name)


def parse_path(path: str) -> Target:
    """What ``path`` (without a leading slash) refers to. Raises the API's 404 for an unknown path."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise no_such_path()
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    resource = _BY_NAME.get((group, version, rest[0]))
    if resource is None or len(rest) > 3:
        raise no_such_path()
    # Without a namespace, a namespaced resource can only be listed: of all namespaces.
    all_namespaces = resource.namespaced and namespace is None and len(rest) == 1
    if (namespace is not None) != resource.namespaced and not all_namespaces:
        raise no_such_path()
    name, subresource = (*rest[1:], None, None)[:2]
    if subresource and subresource not in resource.subresources:
        raise no_such_path()
    return Target(resource, namespace, name, subresource)
