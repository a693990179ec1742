"""Maximums: the resources that one pod, with all its containers, may use.

They come from the `max` of an environment or a team, and from a team's list of flavors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingT
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from dag_factory.config.guard_rules import Guards
from dag_factory.config.guards import flavors
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.sizes.ceiling_causes import (
    CountedPart,
    Limits,
    best_flavor,
    exceeded_keys,
    is_by_overlay,
    largest_in_overlay,
)
from dag_factory.config.guards.sizes.resource_usage import (
    GPU,
    NODE_RESOURCES,
    Usage,
    container_usage,
    flavor_usage,
    is_gpu,
    pod_amounts,
    pod_usage,
    resources_usage,
    to_number,
)
from dag_factory.config.model import Flavor, Fragment, Job
from dag_factory.config.pod import final_pod
from dag_factory.config.pod.containers import Container, pod_containers
from dag_factory.config.positions import KeyPath

_JOB_RESOURCES: KeyPath = ("spec", "containers", 0, "resources")
_FLAVOR = "resource_flavor"
_EXAMPLES = {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"}
_ZERO = Decimal(0)


class _Texts(NamedTuple):
    """The texts about one kind of limit."""

    exceeds: str
    location: str
    unlisted: str
    fix: str


_MAX = _Texts(
    exceeds="exceeds the maximum of {by}",
    location="the maximum is set in {location}",
    unlisted="which is not listed in `max`",
    fix='ask the platform team to allow it with `max: {{"{name}": 1}}`; see {location}',
)
_LIST = _Texts(
    exceeds="requests more than any flavor that {by} may use",
    location="these flavors are listed in {location}",
    unlisted="which no flavor that {by} may use provides",
    fix="remove it; these flavors are listed in {location}",
)


def breaches(pod: Fragment, job: Job, guards: Guards, known: Iterable[Flavor] = ()) -> Iterator[Breach]:
    """A breach for each maximum that a pod exceeds; hints suggest flavors from ``known``.

    Airflow's own container counts for a `max`. It does not count for a list of flavors, and neither do containers
    that the platform's files add.
    """
    if not (guards.limits or guards.flavor_limits):
        return
    limits = guards.limits
    containers = pod_containers(pod)
    usage = pod_usage(pod, containers)
    exceeded = exceeded_keys(usage, limits)
    yield from _missing_limits(containers, job, limits)
    yield from _unlisted(pod, job, limits, usage, _MAX)
    if exceeded:
        suggestions = flavors.allowed_flavors(known, guards)
        yield from _over_maximum(pod, job, limits, exceeded, suggestions, _MAX, lambda whole: whole)
    if guards.flavor_limits:
        only_listed = {key: limit for key, limit in guards.flavor_limits.items() if key not in limits}
        yield from _missing_limits(containers, job, only_listed)
        yield from _flavor_list_breaches(pod, job, guards, exceeded, known)
    if pod["spec"].get("resourceClaims"):
        yield _claims_breach({**guards.flavor_limits, **limits})


def _flavor_list_breaches(
    pod: Fragment, job: Job, guards: Guards, exceeded: Collection[str], known: Iterable[Flavor]
) -> Iterator[Breach]:
    """Breaches of a list of flavors; ``exceeded`` are the resources that exceed a `max`, which are reported already."""
    counted = partial(_without_platform_containers, platform=guards.platform_containers)
    own = counted(pod)
    usage = pod_usage(own)
    limits = {key: limit for key, limit in guards.flavor_limits.items() if key not in exceeded}
    if not guards.limits:
        yield from _unlisted(own, job, limits, usage, _LIST)
    else:  # a resource that is not in `max` is reported already
        in_max = {name: amount for name, amount in usage.items() if name in guards.limits}
        yield from _unlisted(own, job, guards.flavor_limits, in_max, _LIST)
    if over_list := exceeded_keys(usage, limits):
        suggestions = flavors.allowed_flavors(known, guards)
        yield from _over_maximum(own, job, limits, over_list, suggestions, _LIST, counted)


def _claims_breach(limits: Limits) -> Breach:
    limit = limits.get(GPU) or next(iter(limits.values()))
    most = f": gpu (at most {limit.most})" if GPU in limits else ""
    message = f"`resourceClaims` cannot be counted against the maximum of {limit.by}{most}"
    hint = f"use a flavor with `gpu`; the maximum is set in {limit.location}"
    return Breach("over-ceiling", message, hint, ("spec", "resourceClaims", 0))


def _without_platform_containers(pod: Fragment, platform: MappingT[str, Fragment]) -> Fragment:
    """A pod without Airflow's container, and without the platform's containers that request no more than was set."""
    ignored = {
        final_pod.XCOM,
        *(one.name for one in pod_containers(pod) if one.kind != "job" and _is_from_platform(one, platform)),
    }
    groups: Fragment = {
        group: [one for one in pod["spec"].get(group) or () if one["name"] not in ignored]
        for group in ("containers", "initContainers")
    }
    return {**pod, "spec": {**pod["spec"], **groups}}


def _is_from_platform(container: Container, platform: MappingT[str, Fragment]) -> bool:
    if container.name not in platform:
        return False
    most = resources_usage(platform[container.name])
    return all(amount <= most.get(name, _ZERO) for name, amount in container_usage(container).items())


def _over_maximum(
    pod: Fragment,
    job: Job,
    limits: Limits,
    exceeded: list[str],
    suggestions: Iterable[Flavor],
    texts: _Texts,
    counted: CountedPart,
) -> Iterator[Breach]:
    """A breach for each rule and each cause: what ``pod:`` causes is reported there, the rest at the flavor."""
    sidecar = next((one for one in pod["spec"]["containers"] if one["name"] == final_pod.XCOM), None)
    usage, flavor = pod_usage(pod), flavor_usage(job.flavor)
    by_overlay = {key: is_by_overlay(job, sidecar, key, to_number(limits[key].most), counted) for key in exceeded}
    for by, overlay in dict.fromkeys((limits[key].by, by_overlay[key]) for key in exceeded):
        keys = [key for key in exceeded if (limits[key].by, by_overlay[key]) == (by, overlay)]
        amounts = [f"{key} {_shown(job.flavor, key, usage, flavor)} (at most {limits[key].most})" for key in keys]
        exceeds = f"{texts.exceeds.format(by=by)}: {', '.join(amounts)}"
        location = texts.location.format(location=limits[keys[0]].location)
        if overlay:
            path = largest_in_overlay(pod, job, sidecar, keys[0])
            yield Breach("over-ceiling", f"with this value, the job's pod {exceeds}", f"lower it; {location}", path)
            continue
        subject = f"the flavor `{job.flavor.name}`"
        if any(usage.get(key) != flavor.get(key) for key in keys):
            addition = " with what `pod` adds" if job.pod else " with Airflow's container for the output"
            subject += " with the job's other containers" if job.init_containers else addition
        best = best_flavor(job, sidecar, limits, suggestions, counted)
        hint = f"use the flavor `{best}`; {location}" if best else f"no flavor fits; {location}"
        yield Breach("over-ceiling", f"{subject} {exceeds}", hint, _JOB_RESOURCES, _FLAVOR)


def _missing_limits(containers: Sequence[Container], job: Job, limits: Limits) -> Iterator[Breach]:
    """A breach for each container that may use the whole node. Kubernetes reads a limit of 0 as no limit."""
    required = [key for key in NODE_RESOURCES if key in limits]
    for container in containers:
        missing = [key for key in required if not to_number(container.limits.get(key, "0")) > 0]
        if container.kind == "xcom" or not missing:
            continue
        limit, names = limits[missing[0]], " and ".join(f"`{key}`" for key in missing)
        subject = "the job's own container" if container.kind == "job" else f"the container `{container.name}`"
        message = f"{subject} has no limit for {names}, but {limit.by} sets a maximum"
        example = ", ".join(f"{key}: {_EXAMPLES[key]}" for key in missing)
        hint = f"set `resources: {{limits: {{{example}}}}}` in it; the maximum is set in {limit.location}"
        key = ""
        if container.kind == "job":
            hint = f"use a flavor that sets {names}, and do not remove it; the maximum is set in {limit.location}"
            provided = final_pod.flavor_resources(job.flavor).get("limits", {})
            key = _FLAVOR if any(name not in provided for name in missing) else ""
        yield Breach("missing-limit", message, hint, (*container.path, "resources", "limits", missing[0]), key)


def _unlisted(pod: Fragment, job: Job, limits: Limits, usage: Usage, texts: _Texts) -> Iterator[Breach]:
    """A breach for each resource that no limit lists; `gpu` limits all GPUs."""
    for name, amount in usage.items() if limits else ():
        if name in (*NODE_RESOURCES, GPU, *limits) or is_gpu(name) or not amount:
            continue
        limit = next(iter(limits.values()))
        message = f"the pod requests `{name}`, {texts.unlisted.format(by=limit.by)}"
        hint = texts.fix.format(name=name, location=limit.location)
        places = [(path, size) for _, path, size in pod_amounts(pod) if path[-1] == name]
        path = max(places, key=lambda one: one[1])[0]
        key = _FLAVOR if name in final_pod.flavor_resources(job.flavor).get("limits", {}) else ""
        yield Breach("resource-not-allowed", message, hint, path, key)


def _shown(flavor: Flavor, key: str, usage: Usage, own: Usage) -> str:
    """An amount as text: as the flavor writes it if the flavor alone is the amount."""
    amount = usage[key]
    written = flavor.limits.get(key) or flavor.requests.get(key)
    if written and amount == own.get(key):
        return written
    return f"{float(amount / 1024**3):.4g}Gi" if key in ("memory", "ephemeral-storage") else f"{float(amount):g}"
