"""Which keys of the language set a field of a pod.

A field has a key of the job, or it comes from the job's flavor, and the ``pod:`` overlay may change either of them.
"""

from __future__ import annotations

from posixpath import normpath

import msgspec

from dag_factory.config.guards.yaml_paths import paths_of_layers, yaml_path
from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE, SHM
from dag_factory.config.positions import KeyPath
from dag_factory.config.tree import MapNode, as_map, at, is_set

_FLAVOR = ("resource_flavor",)
_SIZES = {"ephemeral-storage": "ephemeral_storage"}
_VOLUME_FIELDS = {
    "claimName": "pvc",
    "secretName": "secret",
    "sizeLimit": "size",
    "mountPath": "mount_path",
    "subPath": "sub_path",
    "readOnly": "read_only",
}


class KeyPaths(msgspec.Struct, frozen=True):
    """The keys that set a field, low to high: ``flavor`` in the definition of the flavor, ``keys`` in the job."""

    flavor: KeyPath = ()
    keys: tuple[KeyPath, ...] = ()


def key_paths(path: KeyPath, pod: Fragment, job: Job, tree: MapNode, flavor: MapNode | None = None) -> KeyPaths:
    """The keys that set the value at ``path`` of the pod of ``job``. ``tree`` is the job after all layers are merged.

    ``flavor`` is the merged definition of its flavor, if that is known.
    """
    overlay = tuple(one for one in paths_of_layers(path, pod, job, tree) if one[:1] == ("pod",))
    if path[:2] == ("spec", "volumes") and _named(path, 3, pod) == SHM:
        return KeyPaths(("shm",), overlay)
    if path[:2] != ("spec", "containers") or _named(path, 3, pod) != BASE:
        keys = tuple(_refine(one, path, tree) for one in paths_of_layers(path, pod, job, tree))
        return KeyPaths((), keys)
    match path[3:]:
        case ("resources", ("requests" | "limits") as kind, str(resource)) if _is_in_flavor(job, kind, resource):
            return KeyPaths(_flavor_path(kind, resource, job, flavor), overlay)
        case ("volumeMounts", int(index), *rest):
            mount = pod["spec"]["containers"][path[2]]["volumeMounts"][index]
            own = _mount_path(mount.get("mountPath"), job, tuple(map(str, rest)), tree)
            is_shm = not own and mount.get("name") == SHM
            return KeyPaths(("shm",) if is_shm else (), (*((own,) if own else ()), *overlay))
        case ("env", int(index), *rest):
            name = pod["spec"]["containers"][path[2]]["env"][index].get("name")
            if job.for_each and job.for_each.variable == name:
                return KeyPaths((), (("for_each",), *overlay))
            own = ("env", name)
            return KeyPaths((), ((own,) if at(tree, own) is not None else ()) + overlay)
        case ("command", int(index)) if "script" in tree.entries and job.command:
            own = ("script",) if index == len(job.command) - 1 else ("shell", index)
            return KeyPaths((), ((own,) if at(tree, own) is not None else ()) + overlay)
    found = paths_of_layers(path, pod, job, tree)
    return KeyPaths((), tuple(_refine(one, path, tree) for one in found))


def setting_key(path: KeyPath, pod: Fragment, job: Job, tree: MapNode) -> KeyPath:
    """The key of a job that sets the value at ``path`` of its pod: the highest one; the flavor if there is no other.

    If no key sets the value, it is the key that comes closest; empty if there is none.
    """
    found = key_paths(path, pod, job, tree)
    if found.keys:
        return found.keys[-1]
    return _FLAVOR if found.flavor else yaml_path(path, pod, job, tree)


def _named(path: KeyPath, depth: int, pod: Fragment) -> str:
    """The name of the item of a list that a path leads through; empty if it does not lead there."""
    if len(path) < depth:
        return ""
    return str(pod["spec"][path[1]][path[2]].get("name", ""))


def _is_in_flavor(job: Job, kind: str, resource: str) -> bool:
    sizes = job.flavor.requests if kind == "requests" else job.flavor.limits
    return resource in sizes or (bool(job.flavor.gpu_count) and resource == job.flavor.gpu_resource)


def _flavor_path(kind: str, resource: str, job: Job, flavor: MapNode | None) -> KeyPath:
    key = _SIZES.get(resource, resource)
    for name in (key, resource):
        if flavor is not None and is_set(flavor.map(kind).get(name)):
            return (kind, name)
    if job.flavor.gpu_count and resource == job.flavor.gpu_resource:
        return ("gpu",)
    return (key,)


def _mount_path(mount_path: str | None, job: Job, rest: tuple[str, ...], tree: MapNode) -> KeyPath:
    """The path of the volume of a job that is mounted at a path, and of its key if it has one."""
    if mount_path is None:
        return ()
    for index, volume in enumerate(job.volumes):
        if normpath(volume.mount_path) == normpath(mount_path):
            return _with_key(("volumes", index), rest, tree)
    return ()


def _with_key(path: KeyPath, rest: KeyPath, tree: MapNode) -> KeyPath:
    node = as_map(at(tree, path))
    for step in reversed(rest):
        key = _VOLUME_FIELDS.get(str(step), str(step))
        if key in node.entries:
            return (*path, key)
    return path


def _refine(own: KeyPath, path: KeyPath, tree: MapNode) -> KeyPath:
    """The key of a volume, where only the volume is known."""
    if own[:1] == ("volumes",) and len(own) == 2 and path[:2] == ("spec", "volumes"):
        return _with_key(own, path[3:], tree)
    return own
