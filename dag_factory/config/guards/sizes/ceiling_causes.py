"""Why a pod exceeds a maximum: its overlay or its flavor, and a flavor that fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingT
from decimal import Decimal

import msgspec

from dag_factory.config.guard_rules import Limit
from dag_factory.config.guards.sizes.resource_usage import (
    GPU,
    Usage,
    counts_against,
    flavor_usage,
    pod_amounts,
    pod_usage,
    to_number,
)
from dag_factory.config.model import Flavor, Fragment, Job
from dag_factory.config.pod import final_pod
from dag_factory.config.positions import KeyPath

Limits = MappingT[str, Limit]
CountedPart = Callable[[Fragment], Fragment]
"""The part of a pod that counts."""
_ZERO = Decimal(0)


def exceeded_keys(usage: Usage, limits: Limits) -> list[str]:
    """The resources of which a pod uses more than a limit."""
    return [key for key, limit in limits.items() if usage.get(key, _ZERO) > to_number(limit.most)]


def is_by_overlay(job: Job, sidecar: Fragment | None, key: str, limit: Decimal, counted: CountedPart) -> bool:
    """Whether ``pod:`` is the cause: without it the job is within the limit, or no flavor could keep the limit."""
    if not job.pod:
        return False
    empty_flavor = msgspec.structs.replace(job.flavor, requests={}, limits={}, gpu_count=0)
    smallest = msgspec.structs.replace(job, flavor=empty_flavor, init_containers=())
    without_overlay = msgspec.structs.replace(job, pod=None)
    return _amount(without_overlay, sidecar, key, counted) <= limit or _amount(smallest, None, key, counted) > limit


def largest_in_overlay(pod: Fragment, job: Job, sidecar: Fragment | None, key: str) -> KeyPath:
    """The path of the largest amount of ``key`` that the overlay changes; empty if it changes none."""
    without_overlay = final_pod.assemble_pod(msgspec.structs.replace(job, pod=None), sidecar)
    before = {amount_id: size for amount_id, _, size in pod_amounts(without_overlay)}
    places = [
        (size, path)
        for amount_id, path, size in pod_amounts(pod)
        if counts_against(amount_id[-1], key) and before.get(amount_id, Decimal(-1)) != size
    ]
    return max(places, key=lambda place: place[0], default=(_ZERO, ()))[1]


def best_flavor(
    job: Job, sidecar: Fragment | None, limits: Limits, suggestions: Iterable[Flavor], counted: CountedPart
) -> str:
    """The largest flavor with which the job keeps all limits; for a job with GPUs, one with GPUs if there is one."""
    fitting = []
    for flavor in suggestions:
        pod = final_pod.assemble_pod(msgspec.structs.replace(job, flavor=flavor), sidecar)
        if not exceeded_keys(pod_usage(counted(pod)), limits):
            usage = flavor_usage(flavor)
            fitting.append((usage[GPU], usage.get("memory", _ZERO), usage.get("cpu", _ZERO), flavor.name))
    has_gpu = flavor_usage(job.flavor)[GPU] > 0
    fitting = [size for size in fitting if (size[0] > 0) == has_gpu] or fitting
    return max(fitting)[-1] if fitting else ""


def _amount(job: Job, sidecar: Fragment | None, key: str, counted: CountedPart) -> Decimal:
    return pod_usage(counted(final_pod.assemble_pod(job, sidecar))).get(key, _ZERO)
