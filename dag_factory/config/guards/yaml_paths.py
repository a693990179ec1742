"""Map a path in a job's pod to the path of the YAML that set the value."""

from __future__ import annotations

from typing import Any

from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE, CONTAINER_KEYS, SPEC_KEYS
from dag_factory.config.pod.strategic_merge import DIRECTIVE
from dag_factory.config.positions import KeyPath
from dag_factory.config.schema.annotations import Shape, shape
from dag_factory.config.tree import ListNode, MapNode, Node, as_map, is_null, to_python

_PATCH = ("kubernetes.schema.json", "/$defs/podPatch")


def yaml_path(path: KeyPath, pod: Fragment, job: Job, node: MapNode) -> KeyPath:
    """The path in a job's tree ``node`` that sets the value at ``path`` of its final pod; empty for the whole job.

    That is a path in the overlay if the overlay sets or removes the value, otherwise the job's own key. If there is
    neither, it is the path in the overlay that comes closest.
    """
    overlay = node.get("pod")
    if not isinstance(overlay, MapNode):
        return _job_path(path, pod, job, node)
    overlay_path, is_set_there = _walk(overlay, path, pod, shape(*_PATCH))
    own = () if is_set_there else _job_path(path, pod, job, node)
    return own or (("pod", *overlay_path) if overlay_path or not path else ())


def paths_of_layers(path: KeyPath, pod: Fragment, job: Job, node: MapNode) -> tuple[KeyPath, ...]:
    """The paths in a job's tree that set the value at ``path`` of its final pod, low to high: own key, then overlay."""
    own = _job_path(path, pod, job, node)
    overlay = node.get("pod")
    if not isinstance(overlay, MapNode):
        return (own,) if own else ()
    overlay_path, is_set_there = _walk(overlay, path, pod, shape(*_PATCH))
    above = (("pod", *overlay_path),) if is_set_there and overlay_path else ()
    return (*((own,) if own else ()), *above)


def _walk(node: Node, path: KeyPath, value: Any, field: Shape) -> tuple[KeyPath, bool]:
    """How far a path of the pod leads into a tree of Kubernetes fields, and whether the tree sets or removes the value.

    ``value`` is the pod's value at ``node``. It identifies the items of a list that merges by a key.
    """
    steps: list[str | int] = []
    for step in path:
        inner: Node | None
        if isinstance(node, MapNode) and isinstance(step, str):
            field = field.child(step)
            value = value.get(step) if isinstance(value, dict) else None
            inner = node.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
            step = _item_index(node, step, value, field.merge)
            field = field.items
            inner = node.items[step] if 0 <= step < len(node.items) else None
        else:
            inner = None
        if inner is None:
            return tuple(steps), is_null(node) or _replaces(node)
        steps.append(step)
        node = inner
    return tuple(steps), True


def _replaces(node: Node) -> bool:
    """Whether a map replaces the lower layer, so that it removes what it does not set."""
    directive = as_map(node).get(DIRECTIVE)
    return directive is not None and to_python(directive) == "replace"


def _item_index(node: ListNode, step: int, value: Any, merge: str) -> int:
    if not merge.startswith("key:"):
        return step
    name = merge.removeprefix("key:")
    item_key = value.get(name) if isinstance(value, dict) else None
    for index, item in enumerate(node.items):
        found = as_map(item).get(name)
        if item_key is not None and found is not None and to_python(found) == item_key:
            return index
    return -1


def _job_path(path: KeyPath, pod: Fragment, job: Job, node: MapNode) -> KeyPath:
    """The path of the job's own key that sets a value of the pod."""
    if len(path) < 2:
        return ()
    head, key, *rest = path
    if head == "metadata":
        return _present(node, (key, *rest))
    if key in ("containers", "initContainers") and rest:
        container = pod["spec"][key][rest[0]]
        if key == "initContainers":
            return _other_container(container, tuple(rest[1:]), node)
        return _main_container(container, tuple(rest[1:]), job, node) if container["name"] == BASE else ()
    name = "volumes" if key == "volumes" else SPEC_KEYS.get(str(key))
    if name is None:
        return ()
    if rest and key == "volumes":
        return _volume(node, job, pod["spec"]["volumes"][rest[0]]["name"])
    if rest and key in ("tolerations", "imagePullSecrets"):
        return _present(node, (name, _index_in_job(pod["spec"][key][rest[0]], job, str(key))))
    return _present(node, (name, *rest))


def _other_container(container: Fragment, rest: KeyPath, node: MapNode) -> KeyPath:
    """The path in a sidecar or an init container."""
    items = shape(*_PATCH).child("spec").child("initContainers").items
    for key in ("sidecars", "init_containers"):
        for index, item in enumerate(node.list(key)):
            if as_map(item).text("name") == container["name"]:
                return (key, index, *_walk(item, rest, container, items)[0])
    return ()


def _main_container(container: Fragment, rest: KeyPath, job: Job, node: MapNode) -> KeyPath:
    key = CONTAINER_KEYS.get(str(rest[0])) if rest else None
    if key is None:
        return ()
    if key in ("command", "args") and "script" in node.entries:
        return ("script",)
    if key == "resource_flavor":
        return _present(node, (key,))
    if len(rest) > 1 and isinstance(rest[1], int):
        item = container[str(rest[0])][rest[1]]
        if key == "env":
            return _present(node, (key, str(item.get("name"))))
        if key == "volumes":
            return _volume(node, job, str(item.get("name")))
    return _present(node, (key, *rest[1:]))


def _volume(node: MapNode, job: Job, name: str) -> KeyPath:
    found = next((index for index, one in enumerate(job.volumes) if one.name == name), None)
    return _present(node, ("volumes", found)) if found is not None else ()


def _index_in_job(value: Fragment, job: Job, key: str) -> int:
    """The index of a toleration or a pull secret of the pod in the job's own list."""
    own = job.tolerations if key == "tolerations" else tuple({"name": name} for name in job.image_pull_secrets)
    return own.index(value) if value in own else len(own)


def _present(node: MapNode, path: KeyPath) -> KeyPath:
    """The part of the path that exists in the tree."""
    here: Node | None = node
    found: list[str | int] = []
    for step in path:
        if isinstance(here, MapNode):
            here = here.entries.get(str(step))
        elif isinstance(here, ListNode) and isinstance(step, int) and step < len(here.items):
            here = here.items[step]
        else:
            break
        if here is None:
            break
        found.append(step)
    return tuple(found)
