"""Ceilings: the most that one pod, with all its containers, may use in an environment or by a team's limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingT
from decimal import Decimal

import msgspec

from dag_factory.config import final_pod
from dag_factory.config.containers import of_pod
from dag_factory.config.guards.amounts import GPU, PLAIN, asked, is_card, is_of, number, totals
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.rules import Guards, Limit
from dag_factory.config.model import Flavor, Fragment, Job
from dag_factory.config.places import Path

Limits = MappingT[str, Limit]
_OWN: Path = ("spec", "containers", 0, "resources")
_FLAVOR = "resource_flavor"
_EXAMPLES = {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"}
_NOTHING = Decimal(0)


def breaches(pod: Fragment, job: Job, guards: Guards, known: Iterable[Flavor] = ()) -> Iterator[Breach]:
    """A breach for each way in which a pod is over a limit; ``known`` are flavors to propose instead."""
    limits = guards.limits
    if not limits:
        return
    uses = totals(pod)
    yield from _without_limit(pod, job, limits)
    yield from _unknown(pod, job, limits, uses)
    over = _over(uses, limits)
    if over:
        yield from _over_ceiling(pod, job, limits, uses, over, known)
    if pod["spec"].get("resourceClaims"):
        limit = limits.get(GPU) or next(iter(limits.values()))
        most = f": gpu (at most {limit.most})" if GPU in limits else ""
        message = f"what a pod claims cannot be held against the ceiling of {limit.by}{most}"
        hint = f"name a flavor with `gpu`; the ceiling stands in {limit.place}"
        yield Breach("over-ceiling", message, hint, ("spec", "resourceClaims", 0))


def _over_ceiling(
    pod: Fragment, job: Job, limits: Limits, uses: MappingT[str, Decimal], over: list[str], known: Iterable[Flavor]
) -> Iterator[Breach]:
    """One breach for each rule and each culprit: what ``pod:`` breaks is reported there, the rest at the flavor."""
    sidecar = next((one for one in pod["spec"]["containers"] if one["name"] == final_pod.XCOM), None)
    own = _own(job.flavor)
    blamed = {key: _by_overlay(job, sidecar, key, number(limits[key].most)) for key in over}
    for by, overlay in dict.fromkeys((limits[key].by, blamed[key]) for key in over):
        keys = [key for key in over if (limits[key].by, blamed[key]) == (by, overlay)]
        shown = ", ".join(f"{key} {_shown(job.flavor, key, uses, own)} (at most {limits[key].most})" for key in keys)
        place = f"the ceiling stands in {limits[keys[0]].place}"
        if overlay:
            message = f"with this the job's pod is over the ceiling of {by}: {shown}"
            yield Breach("over-ceiling", message, f"ask for less; {place}", _largest(pod, job, sidecar, keys[0]))
            continue
        what = f"the flavor `{job.flavor.name}`"
        if any(uses.get(key) != own.get(key) for key in keys):
            adds = " with what `pod` adds" if job.pod else " with Airflow's container for the output"
            what += " with the job's other containers" if job.init_containers else adds
        best = _fitting(job, sidecar, limits, known)
        hint = f"`{best}` fits; {place}" if best else f"no flavor fits under the ceiling in {limits[keys[0]].place}"
        yield Breach("over-ceiling", f"{what} is over the ceiling of {by}: {shown}", hint, _OWN, _FLAVOR)


def _without_limit(pod: Fragment, job: Job, limits: Limits) -> Iterator[Breach]:
    """A container without a limit may use the whole node. A limit of 0 is none to Kubernetes."""
    for one in of_pod(pod):
        missing = [key for key in PLAIN if key in limits and not number(one.limits.get(key, "0")) > 0]
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
            given = final_pod.resources(job.flavor).get("limits", {})
            key = _FLAVOR if any(name not in given for name in missing) else ""
        yield Breach("missing-limit", message, hint, (*one.path, "resources", "limits", missing[0]), key)


def _unknown(pod: Fragment, job: Job, limits: Limits, uses: MappingT[str, Decimal]) -> Iterator[Breach]:
    """A resource that no limit names; cards are bounded by `gpu`."""
    for name, amount in uses.items():
        if name in (*PLAIN, GPU, *limits) or is_card(name) or not amount:
            continue
        limit = next(iter(limits.values()))
        message = f"the pod asks for `{name}`, which no `max` names"
        hint = f'the platform allows it by name: `max: {{"{name}": 1}}`; a `max` is in {limit.place}'
        places = [(path, size) for _, path, size in asked(pod) if path[-1] == name]
        path = max(places, key=lambda found: found[1])[0]
        key = _FLAVOR if name in final_pod.resources(job.flavor).get("limits", {}) else ""
        yield Breach("resource-not-allowed", message, hint, path, key)


def _by_overlay(job: Job, sidecar: Fragment | None, key: str, limit: Decimal) -> bool:
    """Whether ``pod`` breaks a ceiling: the job keeps it otherwise, or no flavor could keep it."""
    if not job.pod:
        return False
    flavor = msgspec.structs.replace(job.flavor, requests={}, limits={}, gpu_count=0)
    nothing = msgspec.structs.replace(job, flavor=flavor, init_containers=())
    return _total(msgspec.structs.replace(job, pod=None), sidecar, key) <= limit or _total(nothing, None, key) > limit


def _largest(pod: Fragment, job: Job, sidecar: Fragment | None, key: str) -> Path:
    """Where the overlay asks for the most of ``key``; the pod itself where it only moves what others ask for."""
    without = final_pod.assembled(msgspec.structs.replace(job, pod=None), sidecar)
    before = {what: size for what, _, size in asked(without)}
    places = [
        (size, path)
        for what, path, size in asked(pod)
        if is_of(what[-1], key) and before.get(what, Decimal(-1)) != size
    ]
    return max(places, key=lambda found: found[0], default=(_NOTHING, ()))[1]


def _fitting(job: Job, sidecar: Fragment | None, limits: Limits, known: Iterable[Flavor]) -> str:
    """The largest of the flavors under which the job keeps all limits, one with cards for a job with cards."""
    fitting = []
    for flavor in known:
        uses = totals(final_pod.assembled(msgspec.structs.replace(job, flavor=flavor), sidecar))
        if not _over(uses, limits):
            own = _own(flavor)
            fitting.append((own[GPU], own.get("memory", _NOTHING), own.get("cpu", _NOTHING), flavor.name))
    cards = _own(job.flavor)[GPU] > 0
    fitting = [one for one in fitting if (one[0] > 0) == cards] or fitting
    return max(fitting)[-1] if fitting else ""


def _own(flavor: Flavor) -> dict[str, Decimal]:
    """What a flavor gives to the job's own container."""
    return totals({"spec": {"containers": [{"name": final_pod.BASE, "resources": final_pod.resources(flavor)}]}})


def _over(uses: MappingT[str, Decimal], limits: Limits) -> list[str]:
    return [key for key, limit in limits.items() if uses.get(key, _NOTHING) > number(limit.most)]


def _total(job: Job, sidecar: Fragment | None, key: str) -> Decimal:
    return totals(final_pod.assembled(job, sidecar)).get(key, _NOTHING)


def _shown(flavor: Flavor, key: str, uses: MappingT[str, Decimal], own: MappingT[str, Decimal]) -> str:
    amount = uses[key]
    written = flavor.limits.get(key) or flavor.requests.get(key)
    if written and amount == own.get(key):
        return written
    return f"{float(amount / 1024**3):.4g}Gi" if key in ("memory", "ephemeral-storage") else f"{float(amount):g}"
