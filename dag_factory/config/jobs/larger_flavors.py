"""The flavors that later tries of a job can use after out-of-memory: the chain of ``next``, within all limits.

They are computed only for a job whose retry rule has ``then: next_flavor``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from dag_factory.config.guard_rules import NONE
from dag_factory.config.guards import check as guard_check
from dag_factory.config.guards import flavors
from dag_factory.config.guards.breach import Breach
from dag_factory.config.guards.sizes import ceilings
from dag_factory.config.jobs import job_model
from dag_factory.config.jobs.checks import pod_rules
from dag_factory.config.jobs.job_layers import ChosenFlavor, JobLayers
from dag_factory.config.jobs.resolve_job import ResolvedJob, resolve
from dag_factory.config.jobs.scope import Scope
from dag_factory.config.model import Flavor, Fragment, Job, LargerFlavor, Retries, with_larger_flavor
from dag_factory.config.platform.flavors import FlavorEntry
from dag_factory.config.pod.final_pod import SHM, assemble_pod, final_pod, flavor_resources
from dag_factory.config.problems import Problem, errors
from dag_factory.config.tree import MapNode, is_set, key_position, to_python
from dag_factory.config.units import quantity


def climbs(retries: Retries) -> bool:
    """Whether the rule uses the next flavor after some failure."""
    return any(one.then == "next_flavor" for one in retries.on)


def add_larger_flavors(job: Job, layers: JobLayers, resolved: ResolvedJob, scope: Scope) -> Job:
    """The job with its larger flavors. Reports a warning if the rule cannot use them."""
    base = layers.flavor
    if base is None or base.entry.flavor.next is None:
        return job
    node = resolved.tree
    if not job.retries.count:
        if any(is_set(node.map("retries").get(key)) for key in ("retries", "count")):
            return job  # 0 is written, so no retries are wanted
        message = "the retry rule has `then: next_flavor`, but the job has no retries"
        hint = "set `retries: 1` or more; each larger flavor uses one retry"
        scope.report([_warning(node, "retries", message, hint, scope)])
        return job
    guards = scope.tables.guards
    is_limited = bool(guards.flavors or guards.limits or guards.flavor_limits)
    pod = final_pod(job, scope.tables.cluster) if is_limited else None
    found: list[LargerFlavor] = []
    because = ""
    for entry, problem in _chain(base.entry, scope):
        because = problem
        if entry is None:
            break
        larger = _with_flavor(job, base.entry, entry, layers, scope)
        if larger is None:
            because = f"the flavor `{entry.flavor.name}` does not fit the job"
        elif not _has_more_memory(job, larger):
            because = "`pod` sets the memory of the container"
        elif reason := _breach(with_larger_flavor(job, larger), larger.job is None, pod, scope):
            because = reason
            if not found:  # a chain that ends later is usual, and the verdict says so
                message = f"no try can use the next flavor `{entry.flavor.name}`: {reason}"
                hint = "choose a flavor with enough memory; a job that runs out of memory is tried again without more"
                scope.report([_warning(node, "resource_flavor", message, hint, scope)])
        if because or larger is None:
            break
        found.append(larger)
    return msgspec.structs.replace(job, larger_flavors=tuple(found), largest_because=because)


def _chain(entry: FlavorEntry, scope: Scope) -> Iterator[tuple[FlavorEntry | None, str]]:
    """The flavors after ``entry``, with the environment's replacements. The last one may be None and the reason."""
    seen = {entry.flavor.name}
    tables = scope.tables
    while (name := entry.flavor.next) is not None:
        replacement = tables.flavor_replacements.get(name)
        final = replacement.text if replacement else name
        following = tables.flavors.get(final)
        if following is None:
            yield None, f"the flavor `{final}` has errors"
            return
        if final in seen or not is_larger(following.flavor, entry.flavor):
            by = f", which replaces `{name}` here," if replacement and final != name else ""
            yield None, f"`{final}`{by} does not have more memory"
            return
        yield following, ""
        seen.add(final)
        entry = following


def is_larger(flavor: Flavor, other: Flavor) -> bool:
    """Whether a flavor has more memory than another. No limit is more than any limit."""
    mine, others = (quantity(one.limits.get("memory", "")) for one in (flavor, other))
    return others is not None and (mine is None or mine > others)


def _with_flavor(
    job: Job, base: FlavorEntry, entry: FlavorEntry, layers: JobLayers, scope: Scope
) -> LargerFlavor | None:
    """The larger flavor of a job; None if the job has errors with it."""
    # The scheduler reads the pool from the stored task, so the pool cannot change between tries.
    flavor = msgspec.structs.replace(entry.flavor, pool=job.flavor.pool)
    if _pod_keys(base) == _pod_keys(entry):
        return LargerFlavor(flavor=flavor)
    fresh = Scope(scope.path, scope.position, scope.tables, scope.context)
    resolved = resolve(msgspec.structs.replace(layers, flavor=ChosenFlavor(entry, None)), fresh)
    if errors(fresh.problems):
        return None
    larger = job_model.make_job(job.name, flavor, resolved.tree, job.matrix, resolved.retry_rule)
    larger = msgspec.structs.replace(larger, pool=job.pool, pool_slots=job.pool_slots)
    if errors(list(pod_rules.check(larger, resolved.tree, scope.tables.cluster, scope.position, scope.path))):
        return None
    return LargerFlavor(flavor=flavor, job=larger)


def _pod_keys(entry: FlavorEntry) -> object:
    """What a flavor sets beside its resources, without positions."""
    keys = {key: value for key, value in entry.layer.entries.items() if key not in ("pool", "pool_slots")}
    return to_python(msgspec.structs.replace(entry.layer, entries=keys)) if keys else {}


def _has_more_memory(job: Job, larger: LargerFlavor) -> bool:
    """Whether the larger flavor changes the memory of the job's own container, which an overlay may set."""
    if job.pod is None:
        return True
    pods = [assemble_pod(one, None) for one in (job, with_larger_flavor(job, larger))]
    before, after = (pod["spec"]["containers"][0].get("resources", {}).get("limits", {}) for pod in pods)
    return bool(before.get("memory") != after.get("memory"))


def _breach(job: Job, only_size: bool, smaller: Fragment | None, scope: Scope) -> str:
    """The first limit that the job exceeds, or an empty string. ``only_size``: nothing else is new in the job.

    ``smaller`` is the pod with the job's own flavor; None if nothing limits its size.
    """
    guards, cluster = scope.tables.guards, scope.tables.cluster
    found: Iterable[Breach] = ()
    if not only_size:
        found = guard_check.breaches(final_pod(job, cluster), job, guards) if guards != NONE else ()
    elif smaller is not None:
        has_memory_volume = job.flavor.shm or any(one["name"] == SHM for one in smaller["spec"].get("volumes", ()))
        pod = final_pod(job, cluster) if job.pod or has_memory_volume else _resized(smaller, job.flavor)
        found = (*flavors.breaches(job, guards), *ceilings.breaches(pod, job, guards))
    return next((one.message for one in found if one.severity == "error"), "")


def _resized(pod: Fragment, flavor: Flavor) -> Fragment:
    """The pod with the resources of another flavor, which is faster than a new pod."""
    spec = pod["spec"]
    first, *others = spec["containers"]
    return {**pod, "spec": {**spec, "containers": [{**first, "resources": flavor_resources(flavor)}, *others]}}


def _warning(node: MapNode, key: str, message: str, hint: str, scope: Scope) -> Problem:
    position = key_position(node, key) or scope.position
    return Problem.at(position, (*scope.path, key), "next-flavor-unused", message, hint, "warning")
