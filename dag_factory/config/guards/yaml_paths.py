"""The place in a job's YAML that set a value of its pod."""

from __future__ import annotations

from typing import Any

from dag_factory.config.model import Fragment, Job
from dag_factory.config.pod.final_pod import BASE, SPEC_KEYS
from dag_factory.config.pod.strategic_merge import DIRECTIVE
from dag_factory.config.positions import KeyPath
from dag_factory.config.schema.annotations import Shape, shape
from dag_factory.config.tree import ListNode, MapNode, Node, as_map, is_null, to_python

_OF_BASE = {
    "image": "docker_image",
    "command": "command",
    "args": "args",
    "workingDir": "working_dir",
    "ports": "ports",
    "env": "env",
    "envFrom": "env_from",
    "resources": "resource_flavor",
    "volumeMounts": "volumes",
    "imagePullPolicy": "image_pull_policy",
    "securityContext": "security_context",
}
_PATCH = ("kubernetes.schema.json", "/$defs/podPatch")


def yaml_path(path: KeyPath, pod: Fragment, job: Job, node: MapNode) -> KeyPath:
    """The path below a job's tree ``node`` that sets what stands at ``path`` of its final pod.

    The overlay wins where it sets the value or removes it; else it is the job's own key, and where there is
    none, as far as the overlay goes. An empty path is the job as a whole.
    """
    overlay = node.get("pod")
    laid, whole = _walked(overlay, path, pod, shape(*_PATCH)) if isinstance(overlay, MapNode) else ((), False)
    own = () if whole else _own(path, pod, job, node)
    return own or (("pod", *laid) if isinstance(overlay, MapNode) and (laid or not path) else ())


def _walked(node: Node, path: KeyPath, value: Any, where: Shape) -> tuple[KeyPath, bool]:
    """How far a path of the pod leads into a tree of Kubernetes' form, and whether it is set or removed there.

    ``value`` is what the pod has there: the items of a list that merges by a key are found by that key.
    """
    steps: list[str | int] = []
    for step in path:
        inner: Node | None
        if isinstance(node, MapNode) and isinstance(step, str):
            where = where.child(step)
            value = value.get(step) if isinstance(value, dict) else None
            inner = node.get(step)
        elif isinstance(node, ListNode) and isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
            step = _index(node, step, value, where.merge)
            where = where.items
            inner = node.items[step] if 0 <= step < len(node.items) else None
        else:
            inner = None
        if inner is None:
            return tuple(steps), is_null(node) or _replaces(node)
        steps.append(step)
        node = inner
    return tuple(steps), True


def _replaces(node: Node) -> bool:
    """Whether a map takes the place of what it lies over, so that it removes what it does not set."""
    directive = as_map(node).get(DIRECTIVE)
    return directive is not None and to_python(directive) == "replace"


def _index(node: ListNode, step: int, value: Any, merge: str) -> int:
    if not merge.startswith("key:"):
        return step
    name = merge.removeprefix("key:")
    wanted = value.get(name) if isinstance(value, dict) else None
    for index, item in enumerate(node.items):
        found = as_map(item).get(name)
        if wanted is not None and found is not None and to_python(found) == wanted:
            return index
    return -1


def _own(path: KeyPath, pod: Fragment, job: Job, node: MapNode) -> KeyPath:
    """The job's own key for a place in the pod."""
    if len(path) < 2:
        return ()
    head, key, *rest = path
    if head == "metadata":
        return _present(node, (key, *rest))
    if key in ("containers", "initContainers") and rest:
        container = pod["spec"][key][rest[0]]
        if key == "initContainers":
            return _beside(container, tuple(rest[1:]), node)
        return _of_base(container, tuple(rest[1:]), job, node) if container["name"] == BASE else ()
    name = "volumes" if key == "volumes" else SPEC_KEYS.get(str(key))
    if name is None:
        return ()
    if rest and key == "volumes":
        return _volume(node, job, pod["spec"]["volumes"][rest[0]]["name"])
    if rest and key in ("tolerations", "imagePullSecrets"):
        return _present(node, (name, _same(pod["spec"][key][rest[0]], job, str(key))))
    return _present(node, (name, *rest))


def _beside(container: Fragment, rest: KeyPath, node: MapNode) -> KeyPath:
    """A sidecar or an init container, and the place in it."""
    items = shape(*_PATCH).child("spec").child("initContainers").items
    for key in ("sidecars", "init_containers"):
        for index, item in enumerate(node.list(key)):
            if as_map(item).text("name") == container["name"]:
                return (key, index, *_walked(item, rest, container, items)[0])
    return ()


def _of_base(container: Fragment, rest: KeyPath, job: Job, node: MapNode) -> KeyPath:
    key = _OF_BASE.get(str(rest[0])) if rest else None
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


def _same(value: Fragment, job: Job, key: str) -> int:
    """The index of the job's own toleration or secret that is the pod's."""
    own = job.tolerations if key == "tolerations" else tuple({"name": name} for name in job.image_pull_secrets)
    return own.index(value) if value in own else len(own)


def _present(node: MapNode, path: KeyPath) -> KeyPath:
    """The path as far as the tree has it."""
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
