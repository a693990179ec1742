"""A resolved job as a model: what a pod is made of. The tree fits the schema of a job."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingT
from typing import Any, Literal, cast

from dag_factory.config.expressions import dollar_signs, run_time
from dag_factory.config.expressions.sandbox import dns
from dag_factory.config.jobs import assets, for_each, kubernetes_values
from dag_factory.config.model import EnvFrom, EnvVar, Flavor, Fragment, Job, KeyRef, Volume
from dag_factory.config.platform import alerts, retries
from dag_factory.config.tree import (
    ListNode,
    MapNode,
    Node,
    Scalar,
    at,
    entries,
    fragment,
    is_set,
    to_python,
    whole_number,
)
from dag_factory.config.units import seconds

_SHELL = ("/bin/sh", "-ec")
_EXPANDED = re.compile(r"\$(?=[$(])")


def job(name: str, flavor: Flavor, node: MapNode, cell: dict[str, Any], retry_rule: str = "") -> Job:
    """The model of one job, whose tree is complete and valid.

    ``cell`` are the values of its matrix, ``retry_rule`` names the rule that its ``retries`` came from.
    """
    said: dict[str, Any] = {key: item for key, item in node.entries.items() if is_set(item)}
    command, args = _command_line(said)
    return Job(
        name=name,
        flavor=flavor,
        image=said["docker_image"].text,
        command=command,
        args=args,
        env=tuple(_env(key, value) for key, value in entries(said.get("env")).items() if is_set(value)),
        env_from=tuple(_env_from(entries(item)) for item in _items(said.get("env_from"))),
        volumes=_volumes(_items(said.get("volumes"))),
        matrix=cell,
        output="output" in said,
        ports=tuple(_port(item) for item in _items(said.get("ports"))),
        host_aliases=tuple(fragment(item) for item in _items(said.get("host_aliases"))),
        init_containers=init_containers(node),
        pod=_overlay(said["pod"]) if "pod" in said else None,
        retries=retries.retries(said.get("retries"), retry_rule),
        alerts=alerts.alerts(said.get("alerts")),
        tolerations=tuple(fragment(item) for item in _items(said.get("tolerations"))),
        image_pull_secrets=_texts(said.get("image_pull_secrets")) or (),
        **{key: _READ[key](item) for key, item in said.items() if key in _READ},
    )


def _command_line(said: MappingT[str, Any]) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    if "script" in said:
        shell = _texts(said.get("shell")) or _SHELL
        return (*shell, script(said["script"].text)), None
    return _texts(said.get("command")), _texts(said.get("args"))


def script(text: str) -> str:
    """A script as Kubernetes has to be given it, so that the shell reads what is written and rendered."""
    return dollar_signs.escaped(text) if dollar_signs.is_later(text) else _EXPANDED.sub("$$", text)


def _env(name: str, node: Node) -> EnvVar:
    if isinstance(node, Scalar):
        return EnvVar(name=name, value=node.text)
    said = entries(node)
    if "field" in said:
        return EnvVar(name=name, field=_text(said["field"]))
    kind = "secret" if "secret" in said else "config_map"
    owner, _, key = _text(said[kind]).partition("/")
    reference = KeyRef(name=owner, key=key)
    return EnvVar(name=name, secret=reference) if kind == "secret" else EnvVar(name=name, config_map=reference)


def _env_from(said: MappingT[str, Node]) -> EnvFrom:
    kind: Literal["secret", "config_map"] = "secret" if "secret" in said else "config_map"
    return EnvFrom(kind=kind, name=_text(said[kind]), prefix=_text(said["prefix"]) if "prefix" in said else None)


def _volumes(items: tuple[Node, ...]) -> tuple[Volume, ...]:
    found: list[Volume] = []
    for item in items:
        said = {key: value for key, value in entries(item).items() if is_set(value) or key == "empty_dir"}
        kind = cast(Any, next(key for key in ("pvc", "secret", "config_map", "empty_dir", "host_path") if key in said))
        source = _text(said[kind]) or None
        if kind == "host_path" and source:
            source = kubernetes_values.host_path(source)
        medium = entries(said[kind]).get("medium")
        mount_path = _text(said["mount_path"])
        read_only = said.get("read_only")
        found.append(
            Volume(
                name=_text(said["name"]) if "name" in said else _volume_name(kind, source or mount_path),
                mount_path=mount_path,
                kind=kind,
                source=source,
                medium=_text(medium) if medium is not None else None,
                size=_text(said["size"]) if "size" in said else None,
                sub_path=_text(said["sub_path"]) if "sub_path" in said else None,
                read_only=bool(to_python(read_only)) if read_only is not None else False,
            )
        )
    return tuple(found)


def _volume_name(kind: str, source: str) -> str:
    """A volume's name from its source; a digest keeps apart what a Kubernetes name cannot."""
    name = dns(f"{kind}-{source}")
    if name == f"{kind}-{source}".replace("_", "-", kind.count("_")):
        return name
    return f"{name[:54].rstrip('-')}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def _port(node: Node) -> Fragment:
    return {"containerPort": whole_number(node)} if isinstance(node, Scalar) else fragment(node)


def init_containers(job: MapNode) -> tuple[Fragment, ...]:
    """What starts before a job's own container: its sidecars, which go on beside it, and its init containers."""
    sidecars = _containers(job.entries.get("sidecars"))
    return (
        *({**container, "restartPolicy": "Always"} for container in sidecars),
        *_containers(job.entries.get("init_containers")),
    )


def _containers(node: Node | None) -> Iterator[Fragment]:
    """Containers in Kubernetes' form; one whose name was wrong, and is told, is none."""
    return (fragment(item) for item in _items(node) if "name" in entries(item))


def _overlay(node: Node) -> Fragment:
    """A piece of a pod; the values of labels and annotations are text as written, as they are at a job."""
    overlay: Fragment = fragment(node)
    for key in ("labels", "annotations"):
        texts = at(node, ("metadata", key))
        if isinstance(texts, MapNode):
            overlay["metadata"][key] = {
                name: _text(item) if is_set(item) else None for name, item in texts.entries.items()
            }
    return overlay


def _text(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


_READ_ALIKE: dict[tuple[str, ...], Callable[[Node], Any]] = {
    ("timeout", "startup_timeout", "schedule_timeout", "termination_grace"): lambda node: seconds(_text(node)),
    (
        *("working_dir", "trigger_rule", "keep_pod", "pool", "service_account", "priority_class"),
        *("runtime_class", "image_pull_policy", "group"),
    ): lambda node: _text(node),
    ("doc",): lambda node: _text(run_time.unwrapped(node)),
    ("deferrable", "affinity", "security_context", "pod_security_context"): fragment,
    ("pool_slots", "priority_weight"): whole_number,
    ("labels", "annotations", "node_selector"): lambda node: _text_map(node),
    ("inlets", "outlets"): assets.assets,
    ("for_each",): for_each.for_each,
    ("when",): lambda node: None if _text(node) == "true" else _text(node),
}
"""The keys that a job's model has under the same name, and how each is read."""
_READ = {key: read for keys, read in _READ_ALIKE.items() for key in keys}


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, ListNode) else ()


def _texts(node: Node | None) -> tuple[str, ...] | None:
    return tuple(_text(item) for item in node.items) if isinstance(node, ListNode) else None


def _text_map(node: Node) -> dict[str, str]:
    return {key: _text(item) for key, item in entries(node).items() if is_set(item)}
