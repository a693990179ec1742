"""Rules of Kubernetes about several values of a pod, checked on the final pod.

The schema checks single values. Only the final pod, with all overlays merged, shows required keys, one of several
sources, and values that contradict each other. The API server would reject such a pod when the job runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from dag_factory.config.guards.yaml_paths import yaml_path
from dag_factory.config.model import Cluster, Flavor, Fragment, Job
from dag_factory.config.pod.final_pod import BASE, CONTAINER_KEYS, SPEC_KEYS, final_pod
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem
from dag_factory.config.tree import MapNode, position_at

CODE: Code = "invalid-pod"
_REQUIRED_KEYS = {  # of the value of a key, or of each item of its list
    "volumeMounts": ("name", "mountPath"),
    "volumeDevices": ("name", "devicePath"),
    "env": ("name",),
    "ports": ("containerPort",),
    "secretKeyRef": ("name", "key"),
    "configMapKeyRef": ("name", "key"),
    "fieldRef": ("fieldPath",),
    "resourceFieldRef": ("resource",),
    "secretRef": ("name",),
    "configMapRef": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
}
_REQUIRED_IN_SOURCE = {
    "secret": "secretName",
    "configMap": "name",
    "hostPath": "path",
    "persistentVolumeClaim": "claimName",
}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
NO_RULES = frozenset(
    {
        *("nodeSelector", "imagePullSecrets", "serviceAccountName", "priorityClassName", "runtimeClassName"),
        *("activeDeadlineSeconds", "terminationGracePeriodSeconds", "volumes"),
        *("image", "command", "args", "workingDir", "env", "envFrom", "resources", "volumeMounts", "imagePullPolicy"),
    }
)
"""Fields that cannot break a rule if keys of the job set them. Most jobs set only these, and need no check."""
_KEYS = {  # by the part of the pod and the field
    (part, field): key
    for part, keys in (("spec", SPEC_KEYS), ("container", CONTAINER_KEYS))
    for field, key in keys.items()
    if field not in NO_RULES
}
_FIELDS = tuple(_KEYS)
_values = attrgetter(*_KEYS.values())
_UNSET = _values(Job(name="", image="", flavor=Flavor(name="", requests={}, limits={})))
_NEEDS_VALUES = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}


class Fault(NamedTuple):
    """An error at a path of the pod, with a hint."""

    path: KeyPath
    message: str
    hint: str
    code: Code = CODE


def check(job: Job, node: MapNode, cluster: Cluster, position: Position, path: KeyPath) -> Iterable[Problem]:
    """A problem for each rule that the pod of a job breaks; ``node`` is the resolved tree at ``position``."""
    pod = pod_to_check(job, cluster)
    return () if pod is None else _problems(pod, job, node, position, path)


def _problems(pod: Fragment, job: Job, node: MapNode, position: Position, path: KeyPath) -> Iterator[Problem]:
    for fault in faults(pod):
        where = yaml_path(fault.path, pod, job, node)
        place = position_at(node, where) if where else position
        yield Problem.at(place, (*path, *where), fault.code, fault.message, fault.hint)


def pod_to_check(job: Job, cluster: Cluster) -> Fragment | None:
    """The final pod; for a job without an overlay only the fields that can break a rule, or None if it sets none."""
    if job.pod or job.init_containers:
        return final_pod(job, cluster)
    values = _values(job)
    if values == _UNSET:
        return None
    base: Fragment = {"name": BASE}
    spec: Fragment = {"containers": [base]}
    for (part, field), value in zip(_FIELDS, values, strict=True):
        if value is not None and value != ():
            (spec if part == "spec" else base)[field] = list(value) if isinstance(value, tuple) else value
    return {"spec": spec}


def faults(pod: Fragment) -> Iterator[Fault]:
    """Every rule that a pod breaks."""
    spec, top = pod["spec"], ("spec",)
    yield from _check_below(spec, top)
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group) or ()):
            yield from _check_container(container, (*top, group, index), group == "initContainers")
            if spec.get("hostNetwork"):
                yield from _check_host_ports(container, (*top, group, index))
    for index, volume in enumerate(spec.get("volumes") or ()):
        yield from _check_volume(volume, (*top, "volumes", index))
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        yield from _check_toleration(toleration, (*top, "tolerations", index))
    dns = spec.get("dnsConfig") or {}
    if spec.get("dnsPolicy") == "None" and not dns.get("nameservers"):
        yield Fault(
            (*top, "dnsPolicy"), "`dnsPolicy: None` needs a name server", "add `dnsConfig: {nameservers: [...]}`"
        )


def _check_below(value: Any, path: KeyPath) -> Iterator[Fault]:
    """Rules that depend only on a value and its key, anywhere in the pod."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check_value(item, (*path, index), str(path[-1]))
    elif isinstance(value, dict):
        for key, item in value.items():
            inner = (*path, key)
            yield from _check_value(item, inner, key) if isinstance(item, dict) else _check_below(item, inner)


def _check_value(value: Any, path: KeyPath, key: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    for name in _REQUIRED_KEYS.get(key, ()):
        if value.get(name) in (None, ""):
            yield Fault(
                path, f"the key `{name}` is missing", f"add it; Kubernetes requires it in `{key}`", "missing-key"
            )
    if key in ("matchExpressions", "matchFields"):
        yield from _check_requirement(value, path)
    elif key == "requiredDuringSchedulingIgnoredDuringExecution" and value.get("nodeSelectorTerms") == []:
        yield Fault(path, "`nodeSelectorTerms` is empty, so it matches no node", "add a term, or remove the key")
    elif key == "seccompProfile" and (value.get("type") == "Localhost") != bool(value.get("localhostProfile")):
        yield Fault(path, "`localhostProfile` and `type: Localhost` are valid only together", "set both, or neither")
    elif key == "securityContext":
        yield from _check_security(value, path)
    elif key == "valueFrom":
        yield from _exactly_one(value, path, tuple(value), "source of the variable")
    elif key == "envFrom":
        yield from _exactly_one(value, path, ("secretRef", "configMapRef"), "source of variables")
    elif key in _PROBES or key in ("postStart", "preStop"):
        yield from _exactly_one(value, path, _HANDLERS, "action")
    elif key == "sources":
        yield from _exactly_one(value, path, tuple(value), "source")
    yield from _check_below(value, path)


def _exactly_one(value: Fragment, path: KeyPath, names: tuple[str, ...], what: str) -> Iterator[Fault]:
    found = [name for name in names if value.get(name) is not None]
    if not found:
        yield Fault(path, f"no {what} is set", "add one")
    elif len(found) > 1:
        listed = " and ".join(f"`{name}`" for name in found[:2])
        yield Fault(path, f"{listed} cannot be used together: only one {what} is allowed", "remove one")


def _check_container(container: Fragment, path: KeyPath, before: bool) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        where, place = (*path, "volumeMounts", index), mount.get("mountPath")
        if place in seen:
            yield Fault(where, f"another volume is mounted at `{place}` in this container", "use another path")
        seen.add(place)
        if mount.get("subPath") and mount.get("subPathExpr"):
            yield Fault(where, "`subPath` and `subPathExpr` cannot be used together", "remove one")
    for index, variable in enumerate(container.get("env") or ()):
        if variable.get("value") and variable.get("valueFrom"):
            yield Fault((*path, "env", index), "`value` and `valueFrom` cannot be used together", "remove one")
    for name in ("livenessProbe", "startupProbe"):
        if ((container.get(name) or {}).get("successThreshold") or 1) != 1:
            yield Fault(
                (*path, name, "successThreshold"), f"the `successThreshold` of a `{name}` must be 1", "remove it"
            )
    if before and container.get("restartPolicy") != "Always":
        for name in ("lifecycle", *_PROBES):
            if container.get(name):
                hint = "remove it, or run the container as a sidecar"
                yield Fault((*path, name), f"an init container cannot have `{name}`", hint)
    if not before and container.get("restartPolicy"):
        hint = "remove it, or move the container to `sidecars`"
        yield Fault((*path, "restartPolicy"), "only an init container can have a `restartPolicy`", hint)


def _check_host_ports(container: Fragment, path: KeyPath) -> Iterator[Fault]:
    for index, port in enumerate(container.get("ports") or ()):
        if port.get("hostPort") not in (None, 0, port.get("containerPort")):
            message = "with `hostNetwork: true`, `hostPort` must be equal to `containerPort`"
            yield Fault((*path, "ports", index), message, "remove `hostPort`")


def _check_volume(volume: Fragment, path: KeyPath) -> Iterator[Fault]:
    found = [key for key, value in volume.items() if key != "name" and value is not None]
    if len(found) > 1:  # with none, Kubernetes creates an empty directory
        listed = " and ".join(f"`{key}`" for key in found[:2])
        yield Fault(path, f"{listed} cannot be used together: a volume has one source", "remove one")
    for key in found:
        required = _REQUIRED_IN_SOURCE.get(key)
        if required and not (volume[key] or {}).get(required):
            yield Fault(
                (*path, key),
                f"the key `{required}` is missing",
                f"add it; Kubernetes requires it in `{key}`",
                "missing-key",
            )


def _check_toleration(one: Fragment, path: KeyPath) -> Iterator[Fault]:
    operator = one.get("operator") or "Equal"
    if operator == "Exists" and one.get("value"):
        yield Fault(
            path, "a toleration with `operator: Exists` cannot have a `value`", "remove `value`, or use `Equal`"
        )
    if not one.get("key") and operator != "Exists":
        yield Fault(path, "a toleration without a `key` must have `operator: Exists`", "add the key, or use `Exists`")
    if one.get("tolerationSeconds") is not None and one.get("effect") != "NoExecute":
        yield Fault(
            path, "`tolerationSeconds` is allowed only with `effect: NoExecute`", "set that effect, or remove the key"
        )


def _check_requirement(one: Fragment, path: KeyPath) -> Iterator[Fault]:
    operator, values = one.get("operator"), one.get("values") or []
    if operator in _NEEDS_VALUES and _NEEDS_VALUES[operator] != bool(values):
        needs = "needs `values`" if _NEEDS_VALUES[operator] else "cannot have `values`"
        yield Fault(path, f"`operator: {operator}` {needs}", "add them" if _NEEDS_VALUES[operator] else "remove them")
    if operator in ("Gt", "Lt") and not (len(values) == 1 and str(values[0]).lstrip("-").isdecimal()):
        yield Fault(path, f"`operator: {operator}` needs one whole number in `values`", 'write it as text: `["8"]`')


def _check_security(context: Fragment, path: KeyPath) -> Iterator[Fault]:
    if context.get("runAsNonRoot") and context.get("runAsUser") == 0:
        yield Fault(path, "`runAsNonRoot: true` and `runAsUser: 0` contradict each other", "use another user")
    if context.get("allowPrivilegeEscalation") is False:
        added = (context.get("capabilities") or {}).get("add") or ()
        if context.get("privileged") or {"SYS_ADMIN", "CAP_SYS_ADMIN"} & set(added):
            message = "`allowPrivilegeEscalation: false` contradicts `privileged: true` and the capability SYS_ADMIN"
            yield Fault(path, message, "remove one")
