"""The chain of a field of a job's pod: the keys that set it, or what this package, Airflow or the cluster sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config.model import Job
from dag_factory.config.pod.final_pod import XCOM
from dag_factory.config.pod.operator_pod import operator_pod
from dag_factory.config.positions import KeyPath
from dag_factory.config.schema.annotations import shape
from dag_factory.config.tree import Scalar, at, is_set, to_python
from dag_factory.explain import key_chains, rules
from dag_factory.explain.field_paths import leaves, parse_path, steps_of
from dag_factory.explain.key_chains import Lookup, flavor_lookup, job_lookup, kind_of
from dag_factory.explain.known_fields import added_by_operator, admission_origin, is_xcom, known_origin
from dag_factory.explain.larger import next_rules
from dag_factory.explain.layers import Layer, environment_values, team_values
from dag_factory.explain.model import Chain, Kind, Origin, Place, Rule, Step
from dag_factory.explain.pod_fields import KeyPaths, key_paths
from dag_factory.explain.subject import JobSubject

_ROOTS = ("spec", "metadata", "apiVersion", "kind", "status")
_CONTAINER = re.compile(r"spec\.(containers|initContainers)\[[^\]]*\]")
_POD_SCHEMA = ("kubernetes.schema.json", "/$defs/podPatch")


class PodLookup(msgspec.Struct, frozen=True):
    """The pod of a job, and where its keys are looked up."""

    one: JobSubject
    pod: Any
    job: Lookup
    flavor: Lookup


def is_pod_field(text: str) -> bool:
    """Whether a field is a path in a pod, and not a key of the language."""
    return text.partition(".")[0].partition("[")[0] in _ROOTS


def pod_lookup(one: JobSubject) -> PodLookup:
    """The pod of a job as the operator sends it."""
    return PodLookup(one, operator_pod(one.subject.pipeline, one.job), job_lookup(one), flavor_lookup(one))


def chain_of_pod_field(lookup: PodLookup, text: str) -> Chain | None:
    """The chain of one field; None if Kubernetes has no such field, or the pod no such container."""
    path = parse_path(text, lookup.pod)
    if path is None:
        return _chain_of_absent(lookup, text)
    value = _value_at(lookup.pod, path)
    chain = _with_next(lookup, text, value, _chain(lookup, text, path))
    parts = tuple(_origins(lookup, text, path, value))
    is_single = len(parts) == 1 and parts[0].field == text
    one_key_sets_it = chain.steps and path[-1] not in ("resources", "requests", "limits")
    return chain if is_single or one_key_sets_it else Chain(chain.environment, "several", value, parts=parts)


def _with_next(lookup: PodLookup, text: str, value: Any, chain: Chain) -> Chain:
    """The chain with the values of the tries after out-of-memory."""
    one = lookup.one

    def value_of(job: Job) -> Any:
        if job is one.job:
            return value
        pod = operator_pod(one.subject.pipeline, job)
        path = parse_path(text, pod)
        return None if path is None else _value_at(pod, path)

    own = [rule for rule in chain.rules if rule.kind != "next"]
    return msgspec.structs.replace(chain, rules=(*own, *next_rules(one, value_of)))


def origins_of_pod(lookup: PodLookup) -> list[Origin]:
    """Every single field of the pod with its value and origin."""
    return [*_origins(lookup, "", (), lookup.pod)]


def _origins(lookup: PodLookup, text: str, path: KeyPath, value: Any) -> Iterator[Origin]:
    for field, field_path, one in leaves(value, text, path):
        chain = _chain(lookup, field, field_path)
        last = chain.setting_step
        place = last.place if last else next((rule.place for rule in chain.rules if rule.kind == "required"), None)
        yield Origin(field, chain.kind, one, last.layer if last else "", place, chain.reason)


def _chain_of_absent(lookup: PodLookup, text: str) -> Chain | None:
    """The chain of a field that the pod does not have: removed by the overlay, or set later."""
    environment = lookup.one.subject.environment
    overlay = lookup.one.tree.get("pod")
    removed = parse_path(text, to_python(overlay)) if overlay is not None else None
    if removed is not None:
        steps = key_chains.steps_at(lookup.job, ("pod", *removed))
        return Chain(environment, "file", None, False, "the `pod` of the job removes the field", steps)
    known = added_by_operator(text)
    if known is None and (not _is_kubernetes(text) or _CONTAINER.match(text)) and not _has_container(lookup, text):
        return None
    kind, reason = known or admission_origin(text)
    return Chain(environment, kind, None, False, reason)


def _has_container(lookup: PodLookup, text: str) -> bool:
    """Whether the path leads into a container of the pod, to a field that Kubernetes has."""
    found = _CONTAINER.match(text)
    return bool(found and parse_path(found[0], lookup.pod) is not None and _is_kubernetes(text))


def _value_at(value: Any, path: KeyPath) -> Any:
    for step in path:
        value = value[step]
    return value


def _chain(lookup: PodLookup, text: str, path: KeyPath) -> Chain:
    chain = _chain_without_limits(lookup, text, path)
    if len(path) < 4 or path[3] != "resources":
        return chain
    limits = rules.size_limits(path, lookup.one.scope.tables.guards)
    return msgspec.structs.replace(chain, rules=(*chain.rules, *(one for one in limits if one not in chain.rules)))


def _chain_without_limits(lookup: PodLookup, text: str, path: KeyPath) -> Chain:
    one = lookup.one
    value = _value_at(lookup.pod, path)
    environment = one.subject.environment
    known = known_origin(text, path, lookup.pod)
    if known and (path[0] != "metadata" or path[1] == "labels") and not is_xcom(path, lookup.pod):
        keys = KeyPaths()
        if text.startswith("spec.containers[base].command"):
            keys = key_paths(path, lookup.pod, one.job, one.tree, lookup.flavor.tree)
        if not keys.keys:
            found = [*_required(lookup, path)]
            return Chain(environment, known[0], value, True, known[1], (), tuple(found))
    if path[:2] == ("metadata", "namespace"):
        return Chain(environment, "file", value, True, "", _namespace_steps(one))
    if is_xcom(path, lookup.pod):
        steps = _sidecar_steps(lookup, path)
        kind: Kind = "file" if steps else "operator"
        rest = tuple(_sidecar_hardening(lookup, path, steps))
        if rest:
            return Chain(environment, "factory", value, True, rest[0].text, steps, rest)
        return Chain(environment, kind, value, True, "" if steps else (known or ("", ""))[1], steps)
    keys = key_paths(path, lookup.pod, one.job, one.tree, lookup.flavor.tree)
    steps, found = _steps(lookup, keys)
    if not steps and not found:
        steps = _group_steps(one, text)
    if not steps and not found:
        if known:
            return Chain(environment, known[0], value, True, known[1])
        return Chain(environment, *_unexplained(value))
    kind = kind_of(value, steps, found)
    reason = _why(path, keys)
    return Chain(environment, kind, value, True, reason, steps, tuple(found))


def _group_steps(one: JobSubject, text: str) -> tuple[Step, ...]:
    """The steps of the list of the job's group, for the variable with the item."""
    group = one.job.mapped_group
    each = one.subject.pipeline.groups.get(group) if group is not None else None
    if group is None or each is None or not text.startswith(f"spec.containers[base].env[{each.variable}]"):
        return ()
    return key_chains.steps_at(key_chains.pipeline_lookup(one.subject), ("groups", group, "for_each", "as"))


def _unexplained(value: Any) -> tuple[Any, ...]:
    if value in ([], {}):
        return "operator", value, True, "the operator sends an empty value, which means the same as none"
    return "file", value, True, ""


def _why(path: KeyPath, keys: KeyPaths) -> str:
    if path == ("spec", "activeDeadlineSeconds") and ("timeout",) in keys.keys:
        return "the `timeout` of the job in seconds, so that the cluster stops a pod that no worker watches"
    if keys.flavor and path[-2:-1] in (("requests",), ("limits",)) and keys.flavor[0] not in ("requests", "limits"):
        return "a size of the flavor is both the request and the limit"
    return ""


def _steps(lookup: PodLookup, keys: KeyPaths) -> tuple[tuple[Step, ...], list[Rule]]:
    """The steps of all keys that set a field. Those of a higher key override the others."""
    one = lookup.one
    steps: list[Step] = []
    found: list[Rule] = []
    if keys.flavor:
        chain = key_chains.chain_of_flavor_key(one, keys.flavor, lookup.flavor, lookup.job)
        steps += chain.steps
        found += chain.rules
    for path in keys.keys:
        chain = key_chains.chain_of_job_key(one, path, lookup.job)
        overrides = chain.steps and (is_set(at(lookup.job.tree, path)) or path[0] == "pod")
        if overrides and not isinstance(chain.value, (dict, list)):
            steps = [msgspec.structs.replace(step, is_overridden=True) for step in steps]
        steps += chain.steps
        found += [rule for rule in chain.rules if rule not in found]
    return tuple(steps), found


def _required(lookup: PodLookup, path: KeyPath) -> list[Rule]:
    guards = lookup.one.scope.tables.guards
    node = at(lookup.one.tree, path)
    return [*rules.required(node.position, guards)] if isinstance(node, Scalar) else []


def _namespace_steps(one: JobSubject) -> tuple[Step, ...]:
    layers = [*environment_values(one.subject, "cluster", "namespace"), *team_values(one.subject, "namespace")]
    return _platform_steps(layers, "namespace", one)


def _platform_steps(layers: list[Layer], key: str, one: JobSubject) -> tuple[Step, ...]:
    context = {name: one.scope.context[name] for name in ("vars", "environment")}
    steps = []
    for index, layer in enumerate(layers):
        step = key_chains.step_of_layer(layer, key, context, is_overridden=index < len(layers) - 1)
        steps.append(step)
    return tuple(steps)


def _sidecar_steps(lookup: PodLookup, path: KeyPath) -> tuple[Step, ...]:
    """What the environment sets for the container of the output."""
    names = {"image": "image", "resources": "resources", "securityContext": "security_context"}
    if path[:2] != ("spec", "containers") or lookup.pod["spec"]["containers"][path[2]]["name"] != XCOM:
        return ()
    key = names.get(str(path[3])) if len(path) > 3 else None
    if key is None:
        return ()
    rest = [str(step) for step in path[4:]]
    layers = [*environment_values(lookup.one.subject, "cluster", "xcom_sidecar", key, *rest)]
    return _platform_steps(layers, ".".join(["xcom_sidecar", key, *rest]), lookup.one)


def _sidecar_hardening(lookup: PodLookup, path: KeyPath, steps: tuple[Step, ...]) -> list[Rule]:
    level = lookup.one.scope.tables.guards.pod_security
    if steps or len(path) < 4 or path[3] != "securityContext" or level is None:
        return []
    text = f"{level.by} sets `pod_security: {level.words[0]}`, which requires this value"
    return [Rule("required", text, Place(level.file, level.line))]


def _is_kubernetes(text: str) -> bool:
    """Whether a pod of Kubernetes can have a field."""
    steps = steps_of(text)
    if steps[0] in ("status", "apiVersion", "kind"):
        return True
    here = shape(*_POD_SCHEMA)
    for step in steps:
        child = here.child(str(step))
        here = child if child.is_defined else here.items
        if not here.is_defined:
            return False
    return True
