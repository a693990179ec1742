"""Ceilings: the most that one pod, with all its containers, may use in an environment or by a team's limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingT
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import msgspec

from dag_factory.config.guard_rules import Guards, Limit
from dag_factory.config.guards import flavors
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.resource_usage import (
    GPU,
    NODE_RESOURCES,
    container_usage,
    counts_against,
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

Limits = MappingT[str, Limit]
Seen = Callable[[Fragment], Fragment]
"""The part of a pod that counts."""
_OWN: KeyPath = ("spec", "containers", 0, "resources")
_FLAVOR = "resource_flavor"
_EXAMPLES = {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"}
_NOTHING = Decimal(0)


class _Words(NamedTuple):
    """How a limit is called: that of a `max`, or what the flavors on a team's list give."""

    over: str
    place: str
    unknown: str
    fix: str


_MAX = _Words(
    over="is over the ceiling of {by}",
    place="the ceiling stands in {place}",
    unknown="which no `max` names",
    fix='the platform allows it by name: `max: {{"{name}": 1}}`; a `max` is in {place}',
)
_LIST = _Words(
    over="asks for more than the flavors that {by} may use",
    place="they are listed in {place}",
    unknown="which no flavor that {by} may use gives",
    fix="leave it out; the flavors are listed in {place}",
)


def breaches(pod: Fragment, job: Job, guards: Guards, known: Iterable[Flavor] = ()) -> Iterator[Breach]:
    """A breach for each way in which a pod is over a limit; ``known`` are flavors to propose instead.

    Airflow's own container counts for a `max`. For what the flavors of a list give it does not, nor do containers
    that the platform's files add.
    """
    if not (guards.limits or guards.flavor_limits):
        return
    limits = guards.limits
    containers = pod_containers(pod)
    uses = pod_usage(pod, containers)
    over = _over(uses, limits)
    yield from _without_limit(containers, job, limits)
    yield from _unknown(pod, job, limits, uses, _MAX)
    if over:
        yield from _over_ceiling(
            pod, job, limits, over, flavors.allowed_flavors(known, guards), _MAX, lambda whole: whole
        )
    if guards.flavor_limits:
        seen = partial(_of_author, platform=guards.platform_containers)
        own = seen(pod)
        uses = pod_usage(own)
        yield from _without_limit(
            containers, job, {key: one for key, one in guards.flavor_limits.items() if key not in limits}
        )
        listed = {key: limit for key, limit in guards.flavor_limits.items() if key not in over}
        found = _over(uses, listed)
        if not limits:
            yield from _unknown(own, job, listed, uses, _LIST)
        else:  # what no `max` names is reported above
            named = {name: amount for name, amount in uses.items() if name in limits}
            yield from _unknown(own, job, guards.flavor_limits, named, _LIST)
        if found:
            yield from _over_ceiling(own, job, listed, found, flavors.allowed_flavors(known, guards), _LIST, seen)
    if pod["spec"].get("resourceClaims"):
        every = {**guards.flavor_limits, **limits}
        limit = every.get(GPU) or next(iter(every.values()))
        most = f": gpu (at most {limit.most})" if GPU in every else ""
        message = f"what a pod claims cannot be held against the ceiling of {limit.by}{most}"
        hint = f"name a flavor with `gpu`; the ceiling stands in {limit.place}"
        yield Breach("over-ceiling", message, hint, ("spec", "resourceClaims", 0))


def _of_author(pod: Fragment, platform: MappingT[str, Fragment]) -> Fragment:
    """A pod without Airflow's container, and without the platform's that ask for no more than the platform set."""
    left: Fragment = {}
    gone = {
        final_pod.XCOM,
        *(one.name for one in pod_containers(pod) if one.kind != "job" and _is_within(one, platform)),
    }
    for group in ("containers", "initContainers"):
        left[group] = [one for one in pod["spec"].get(group) or () if one["name"] not in gone]
    return {**pod, "spec": {**pod["spec"], **left}}


def _is_within(container: Container, platform: MappingT[str, Fragment]) -> bool:
    if container.name not in platform:
        return False
    most = resources_usage(platform[container.name])
    return all(amount <= most.get(name, _NOTHING) for name, amount in container_usage(container).items())


def _over_ceiling(
    pod: Fragment, job: Job, limits: Limits, over: list[str], known: Iterable[Flavor], words: _Words, seen: Seen
) -> Iterator[Breach]:
    """One breach for each rule and each culprit: what ``pod:`` breaks is reported there, the rest at the flavor."""
    sidecar = next((one for one in pod["spec"]["containers"] if one["name"] == final_pod.XCOM), None)
    uses, own = pod_usage(pod), flavor_usage(job.flavor)
    blamed = {key: _by_overlay(job, sidecar, key, to_number(limits[key].most), seen) for key in over}
    for by, overlay in dict.fromkeys((limits[key].by, blamed[key]) for key in over):
        keys = [key for key in over if (limits[key].by, blamed[key]) == (by, overlay)]
        shown = ", ".join(f"{key} {_shown(job.flavor, key, uses, own)} (at most {limits[key].most})" for key in keys)
        more = f"{words.over.format(by=by)}: {shown}"
        place = words.place.format(place=limits[keys[0]].place)
        if overlay:
            where = _largest(pod, job, sidecar, keys[0])
            yield Breach("over-ceiling", f"with this the job's pod {more}", f"ask for less; {place}", where)
            continue
        what = f"the flavor `{job.flavor.name}`"
        if any(uses.get(key) != own.get(key) for key in keys):
            adds = " with what `pod` adds" if job.pod else " with Airflow's container for the output"
            what += " with the job's other containers" if job.init_containers else adds
        best = _fitting(job, sidecar, limits, known, seen)
        hint = f"`{best}` fits; {place}" if best else f"no flavor fits; {place}"
        yield Breach("over-ceiling", f"{what} {more}", hint, _OWN, _FLAVOR)


def _without_limit(containers: Sequence[Container], job: Job, limits: Limits) -> Iterator[Breach]:
    """A container without a limit may use the whole node. A limit of 0 is none to Kubernetes."""
    wanted = [key for key in NODE_RESOURCES if key in limits]
    for one in containers:
        missing = [key for key in wanted if not to_number(one.limits.get(key, "0")) > 0]
        if one.kind == "xcom" or not missing:
            continue
        limit, names = limits[missing[0]], " and ".join(f"`{key}`" for key in missing)
        who = "the job's own container" if one.kind == "job" else f"the container `{one.name}`"
        message = f"{who} has no limit for {names}, and {limit.by} sets a ceiling"
        example = ", ".join(f"{key}: {_EXAMPLES[key]}" for key in missing)
        hint = f"set `resources: {{limits: {{{example}}}}}` in it; the ceiling stands in {limit.place}"
        key = ""
        if one.kind == "job":
            hint = f"name a flavor that sets {names}, and do not remove it; the ceiling stands in {limit.place}"
            given = final_pod.flavor_resources(job.flavor).get("limits", {})
            key = _FLAVOR if any(name not in given for name in missing) else ""
        yield Breach("missing-limit", message, hint, (*one.path, "resources", "limits", missing[0]), key)


def _unknown(pod: Fragment, job: Job, limits: Limits, uses: MappingT[str, Decimal], words: _Words) -> Iterator[Breach]:
    """A resource that no limit names; cards are bounded by `gpu`."""
    for name, amount in uses.items() if limits else ():
        if name in (*NODE_RESOURCES, GPU, *limits) or is_gpu(name) or not amount:
            continue
        limit = next(iter(limits.values()))
        message = f"the pod asks for `{name}`, {words.unknown.format(by=limit.by)}"
        hint = words.fix.format(name=name, place=limit.place)
        places = [(path, size) for _, path, size in pod_amounts(pod) if path[-1] == name]
        path = max(places, key=lambda found: found[1])[0]
        key = _FLAVOR if name in final_pod.flavor_resources(job.flavor).get("limits", {}) else ""
        yield Breach("resource-not-allowed", message, hint, path, key)


def _by_overlay(job: Job, sidecar: Fragment | None, key: str, limit: Decimal, seen: Seen) -> bool:
    """Whether ``pod`` breaks a ceiling: the job keeps it otherwise, or no flavor could keep it."""
    if not job.pod:
        return False
    flavor = msgspec.structs.replace(job.flavor, requests={}, limits={}, gpu_count=0)
    nothing = msgspec.structs.replace(job, flavor=flavor, init_containers=())
    without = msgspec.structs.replace(job, pod=None)
    return _total(without, sidecar, key, seen) <= limit or _total(nothing, None, key, seen) > limit


def _largest(pod: Fragment, job: Job, sidecar: Fragment | None, key: str) -> KeyPath:
    """Where the overlay asks for the most of ``key``; the pod itself where it only moves what others ask for."""
    without = final_pod.assemble_pod(msgspec.structs.replace(job, pod=None), sidecar)
    before = {what: size for what, _, size in pod_amounts(without)}
    places = [
        (size, path)
        for what, path, size in pod_amounts(pod)
        if counts_against(what[-1], key) and before.get(what, Decimal(-1)) != size
    ]
    return max(places, key=lambda found: found[0], default=(_NOTHING, ()))[1]


def _fitting(job: Job, sidecar: Fragment | None, limits: Limits, known: Iterable[Flavor], seen: Seen) -> str:
    """The largest of the flavors under which the job keeps all limits, one with cards for a job with cards."""
    fitting = []
    for flavor in known:
        uses = pod_usage(seen(final_pod.assemble_pod(msgspec.structs.replace(job, flavor=flavor), sidecar)))
        if not _over(uses, limits):
            own = flavor_usage(flavor)
            fitting.append((own[GPU], own.get("memory", _NOTHING), own.get("cpu", _NOTHING), flavor.name))
    cards = flavor_usage(job.flavor)[GPU] > 0
    fitting = [one for one in fitting if (one[0] > 0) == cards] or fitting
    return max(fitting)[-1] if fitting else ""


def _over(uses: MappingT[str, Decimal], limits: Limits) -> list[str]:
    return [key for key, limit in limits.items() if uses.get(key, _NOTHING) > to_number(limit.most)]


def _total(job: Job, sidecar: Fragment | None, key: str, seen: Seen) -> Decimal:
    return pod_usage(seen(final_pod.assemble_pod(job, sidecar))).get(key, _NOTHING)


def _shown(flavor: Flavor, key: str, uses: MappingT[str, Decimal], own: MappingT[str, Decimal]) -> str:
    amount = uses[key]
    written = flavor.limits.get(key) or flavor.requests.get(key)
    if written and amount == own.get(key):
        return written
    return f"{float(amount / 1024**3):.4g}Gi" if key in ("memory", "ephemeral-storage") else f"{float(amount):g}"
