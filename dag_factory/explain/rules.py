"""The rules of the platform that change or bound a value, with their places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dag_factory.config.guard_rules import Bound, Guards, Limit
from dag_factory.config.guard_rules import Rule as GuardRule
from dag_factory.config.guards.sizes.resource_usage import GPU, is_gpu
from dag_factory.config.pod.image_names import apply_mirror
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.tree import Node, Scalar
from dag_factory.explain.layers import environment_values
from dag_factory.explain.model import Place, Rule
from dag_factory.explain.subject import JobSubject, Subject

_ALLOW = {
    "service_account": "service_accounts",
    "priority_class": "priority_classes",
    "runtime_class": "runtime_classes",
    "image_pull_secrets": "pull_secrets",
    "pool": "pools",
    "node_selector": "node_selectors",
    "tolerations": "tolerations",
    "labels": "labels",
    "annotations": "annotations",
    "presets": "presets",
    "uses": "templates",
    "template": "templates",
}
"""The list of allowed values that applies to a key."""
_BOUNDS: dict[KeyPath, str] = {("retries", "retries"): "retries", ("schedule",): "min_schedule_interval"}
_SIZES = {"ephemeral_storage": "ephemeral-storage"}


def place(position: Position) -> Place:
    """The place of a position."""
    caller = position.caller.location if position.caller else ""
    return Place(position.file, position.line, position.column, caller)


def bounds(path: KeyPath, guards: Guards) -> Iterator[Rule]:
    """The limits of a key of a pipeline or a job."""
    bound = guards.bounds.get(_BOUNDS.get(path, str(path[0]) if len(path) == 1 else ""))
    if bound is not None:
        yield _bound(bound, is_minimum=path == ("schedule",))
    words = guards.allow.get(_ALLOW.get(str(path[0]), ""), ())
    if path[0] == "resource_flavor" and len(path) == 1:
        words = guards.flavors
    if is_image(path):
        words = guards.images
        if guards.forbid_latest:
            one = guards.forbid_latest
            yield Rule("allowed", f"{one.by} does not allow the tag `latest`", Place(one.file, one.line))
    yield from map(_allowed, words)


def size_limits(key: KeyPath, guards: Guards) -> Iterator[Rule]:
    """The limits of the whole pod for one size of a flavor: ``("limits", "memory")`` or ``("memory",)``."""
    name = _SIZES.get(str(key[-1]), str(key[-1]))
    name = GPU if is_gpu(name) else name
    for limits in (guards.limits, guards.flavor_limits):
        if name in limits:
            yield _limit(limits[name])


def mirrors(subject: Subject, image: Scalar | None, final: Any) -> Iterator[Rule]:
    """The mirror that renames an image. ``image`` is what the layers set."""
    if image is None or image.text == final:
        return
    for prefix, mirror in subject.resolved.scope.tables.mirrors.items():
        if apply_mirror(image.text, {prefix: mirror}) == final:
            found = [*environment_values(subject, "images", "mirrors", prefix)]
            if found:
                text = f"the mirror of `{prefix}` in {found[-1].name}: `{image.text}` → `{final}`"
                yield Rule("mirror", text, place(found[-1].node.position))


def flavor_replacement(one: JobSubject, asked: Any) -> Iterator[Rule]:
    """The environment's replacement of a flavor."""
    replacement = one.layers.flavor.replacement if one.layers.flavor else None
    if replacement is not None:
        text = f"the environment replaces the flavor `{asked}` by `{replacement.text}`"
        yield Rule("replacement", text, place(replacement.position))


def schedule_mode(subject: Subject, final: Node | None) -> Iterator[Rule]:
    """What the environment does with all schedules, if it set the value ``final``."""
    mode = subject.resolved.scope.tables.schedules
    if mode is not None and final is not None and final.position == mode.position:
        text = {
            "manual": "the environment sets `schedules: manual`: no pipeline has a schedule",
            "paused": "the environment sets `schedules: paused`: a pipeline is paused when Airflow first sees it",
        }
        yield Rule("schedules", text.get(mode.text, mode.text), place(mode.position))


def required(position: Position, guards: Guards) -> Iterator[Rule]:
    """The rule that adds a value that no layer sets: pod security, or a limit that is also the default."""
    level = guards.pod_security
    if level and (position.file, position.line) == (level.file, level.line):
        text = f"{level.by} sets `pod_security: {level.words[0]}`, which requires this value"
        yield Rule("required", text, Place(level.file, level.line))
    for key, bound in guards.bounds.items():
        if (position.file, position.line) == (bound.file, bound.line):
            text = f"{bound.by} limits `{key}` to {bound.text}, which is also the default"
            yield Rule("required", text, Place(bound.file, bound.line))


def variables(subject: Subject, expressions: Iterable[str]) -> Iterator[Rule]:
    """Where the variables are set that expressions use: ``vars`` of the environment."""
    known = subject.resolved.scope.tables.vars
    text = " ".join(expressions)
    for name in known:
        if f"vars.{name}" in text:
            found = [*environment_values(subject, "vars", name)]
            if found:
                value = known[name]
                yield Rule("value", f"`vars.{name}` is `{value}` in {found[-1].name}", place(found[-1].node.position))


def is_image(path: KeyPath) -> bool:
    """Whether a key has the name of an image."""
    return path == ("docker_image",) or (path[-1] == "image" and path[0] in ("sidecars", "init_containers", "pod"))


def _bound(one: Bound, is_minimum: bool) -> Rule:
    if is_minimum:
        return Rule("minimum", f"at least {one.text} between two runs, by {one.by}", Place(one.file, one.line))
    return Rule("maximum", f"at most {one.text}, by {one.by}", Place(one.file, one.line))


def _limit(one: Limit) -> Rule:
    return Rule("maximum", f"at most {one.most} for the whole pod, by {one.by}", Place(one.file, one.line))


def _allowed(one: GuardRule) -> Rule:
    return Rule("allowed", f"{one.by} allows {', '.join(f'`{word}`' for word in one.words)}", Place(one.file, one.line))
