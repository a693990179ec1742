"""The model of a resolved job: everything that a pod is made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal

from dag_factory.config.expressions import dollar_signs, run_time
from dag_factory.config.expressions.data import dns
from dag_factory.config.jobs import assets, for_each
from dag_factory.config.jobs.checks import kubernetes_values
from dag_factory.config.model import EnvFrom, EnvVar, Flavor, Fragment, Job, KeyRef, Volume
from dag_factory.config.platform import alerts, retries
from dag_factory.config.tree import (
    ListNode,
    MapNode,
    Node,
    Scalar,
    as_map,
    at,
    entries_of,
    fragment,
    is_set,
    items_of,
    text_of,
    texts_of,
    whole_number,
)
from dag_factory.config.units import seconds

_SHELL = ("/bin/sh", "-ec")
_VOLUME_KINDS = ("pvc", "secret", "config_map", "empty_dir", "host_path")
_EXPANSION = re.compile(r"\$(?=[$(])")


def make_job(name: str, flavor: Flavor, node: MapNode, cell: dict[str, Any], retry_rule: str = "") -> Job:
    """The model of a job, whose tree is complete and fits the schema of a job.

    ``cell`` are the values of its matrix, ``retry_rule`` names the rule that its ``retries`` came from.
    """
    values: dict[str, Any] = {key: item for key, item in node.entries.items() if is_set(item)}
    command, args = _command_line(node)
    return Job(
        name=name,
        flavor=flavor,
        image=values["docker_image"].text,
        command=command,
        args=args,
        env=tuple(_env(key, value) for key, value in node.map("env").entries.items() if is_set(value)),
        env_from=tuple(_env_from(as_map(item)) for item in node.list("env_from")),
        volumes=_volumes(node.list("volumes")),
        matrix=cell,
        output="output" in values,
        ports=tuple(_port(item) for item in node.list("ports")),
        host_aliases=tuple(fragment(item) for item in node.list("host_aliases")),
        init_containers=init_containers(node),
        pod=_overlay(values["pod"]) if "pod" in values else None,
        retries=retries.to_model(values.get("retries"), retry_rule),
        alerts=alerts.to_model(values.get("alerts")),
        tolerations=tuple(fragment(item) for item in node.list("tolerations")),
        image_pull_secrets=node.texts("image_pull_secrets"),
        **{key: _READERS[key](item) for key, item in values.items() if key in _READERS},
    )


def _command_line(node: MapNode) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    text = node.text("script")
    if text is not None:
        return (*(node.texts("shell") or _SHELL), escape_script(text)), None
    return _words(node.get("command")), _words(node.get("args"))


def _words(node: Node | None) -> tuple[str, ...] | None:
    """The texts of a list; None if the value is not a list, which differs from an empty list."""
    return texts_of(node) if isinstance(node, ListNode) else None


def escape_script(text: str) -> str:
    """A script with dollar signs escaped for Kubernetes, so that the shell reads the text of the file."""
    return dollar_signs.escape_all(text) if dollar_signs.has_template(text) else _EXPANSION.sub("$$", text)


def _env(name: str, node: Node) -> EnvVar:
    if isinstance(node, Scalar):
        return EnvVar(name=name, value=node.text)
    source = as_map(node)
    if "field" in source.entries:
        return EnvVar(name=name, field=source.text("field") or "")
    kind = "secret" if "secret" in source.entries else "config_map"
    owner, _, key = (source.text(kind) or "").partition("/")
    reference = KeyRef(name=owner, key=key)
    return EnvVar(name=name, secret=reference) if kind == "secret" else EnvVar(name=name, config_map=reference)


def _env_from(source: MapNode) -> EnvFrom:
    kind: Literal["secret", "config_map"] = "secret" if "secret" in source.entries else "config_map"
    return EnvFrom(kind=kind, name=source.text(kind) or "", prefix=source.text("prefix"))


def _volumes(items: tuple[Node, ...]) -> tuple[Volume, ...]:
    found: list[Volume] = []
    for item in items:
        volume = as_map(item)
        kind = _volume_kind(volume)
        source = volume.text(kind) or None
        if kind == "host_path" and source:
            source = kubernetes_values.host_path(source)
        mount_path = volume.text("mount_path") or ""
        read_only = volume.scalar("read_only")
        found.append(
            Volume(
                name=_volume_name(kind, source or mount_path) if (name := volume.text("name")) is None else name,
                mount_path=mount_path,
                kind=kind,
                source=source,
                medium=volume.map(kind).text("medium"),
                size=volume.text("size"),
                sub_path=volume.text("sub_path"),
                read_only=bool(read_only.value) if read_only else False,
            )
        )
    return tuple(found)


def _volume_kind(volume: MapNode) -> Any:
    """The key of the volume's source; ``empty_dir`` may be null."""
    return next(
        key for key in _VOLUME_KINDS if is_set(volume.get(key)) or (key == "empty_dir" and key in volume.entries)
    )


def _volume_name(kind: str, source: str) -> str:
    """The name of a volume, from its source; a digest separates sources that give the same Kubernetes name."""
    name = dns(f"{kind}-{source}")
    if name == f"{kind}-{source}".replace("_", "-", kind.count("_")):
        return name
    return f"{name[:54].rstrip('-')}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"


def _port(node: Node) -> Fragment:
    return {"containerPort": whole_number(node)} if isinstance(node, Scalar) else fragment(node)


def init_containers(job: MapNode) -> tuple[Fragment, ...]:
    """The containers that start before the job's own: sidecars, which keep running, and init containers."""
    sidecars = _containers(job.get("sidecars"))
    return (
        *({**container, "restartPolicy": "Always"} for container in sidecars),
        *_containers(job.get("init_containers")),
    )


def _containers(node: Node | None) -> Iterator[Fragment]:
    """Containers in the form of Kubernetes, without those whose name was removed for an error."""
    return (fragment(item) for item in items_of(node) if "name" in entries_of(item))


def _overlay(node: Node) -> Fragment:
    """A part of a pod; the values of labels and annotations are the text of the file, as in the job's own."""
    overlay: Fragment = fragment(node)
    for key in ("labels", "annotations"):
        texts = at(node, ("metadata", key))
        if isinstance(texts, MapNode):
            overlay["metadata"][key] = {name: text_of(item) for name, item in texts.entries.items()}
    return overlay


def _text(node: Node) -> str:
    return text_of(node) or ""


_READERS_BY_KEYS: dict[tuple[str, ...], Callable[[Node], Any]] = {
    ("timeout", "startup_timeout", "schedule_timeout", "termination_grace"): lambda node: seconds(_text(node)),
    (
        *("working_dir", "trigger_rule", "keep_pod", "pool", "service_account", "priority_class"),
        *("runtime_class", "image_pull_policy", "group"),
    ): lambda node: _text(node),
    ("doc",): lambda node: _text(run_time.remove_raw_tags(node)),
    ("deferrable", "affinity", "security_context", "pod_security_context"): fragment,
    ("pool_slots", "priority_weight"): whole_number,
    ("labels", "annotations", "node_selector"): lambda node: _text_map(node),
    ("inlets", "outlets"): assets.read_assets,
    ("for_each",): for_each.read_for_each,
    ("when",): lambda node: None if _text(node) == "true" else _text(node),
}
"""How each key is read that has the same name in the model."""
_READERS = {key: read for keys, read in _READERS_BY_KEYS.items() for key in keys}


def _text_map(node: Node) -> dict[str, str]:
    return {key: _text(item) for key, item in entries_of(node).items() if is_set(item)}
