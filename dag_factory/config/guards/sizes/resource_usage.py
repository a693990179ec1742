"""The resources that a pod may use, as numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingT
from decimal import Decimal
from functools import lru_cache

from dag_factory.config.model import Flavor, Fragment
from dag_factory.config.pod.containers import Container, pod_containers
from dag_factory.config.pod.final_pod import BASE, flavor_resources
from dag_factory.config.positions import KeyPath
from dag_factory.config.units import quantity

GPU = "gpu"
NODE_RESOURCES = ("cpu", "memory", "ephemeral-storage")
"""The resources that a container may use without a request, so that each needs a limit."""

_ZERO = Decimal(0)
_UNLIMITED = Decimal("Infinity")
_GPU_NAME = re.compile(r".*/(?:gpu|gpu\..+|mig-.+)|gpu\.intel\.com/(?:i915|xe)")  # a whole GPU, a shared one, a slice

Usage = dict[str, Decimal]
"""An amount of each resource, by Kubernetes' names."""


def pod_usage(pod: Fragment, containers: Sequence[Container] = ()) -> Usage:
    """The most that a whole pod may use at one time; ``gpu`` is the sum of all GPUs.

    That is the sum of the containers, or the usage of an init container and the sidecars that start before it, if
    that is more. A container may use its limit, or its request if that is more. A volume in memory (``emptyDir``)
    counts against the limit of its container. ``containers`` are the pod's, if the caller has them.
    """
    spec = pod["spec"]
    total: Usage = {}  # of what runs together: first the sidecars, then all containers
    peaks: list[Usage] = []
    main: list[Usage] = []
    for container in containers or pod_containers(pod):
        usage = container_usage(container)
        if container.kind == "sidecar":
            total = _sum(total, usage)
        elif container.kind == "init":
            peaks.append(_sum(total, usage))
        else:
            main.append(usage)
    for usage in main:
        total = _sum(total, usage)
    if pod_resources := spec.get("resources"):  # for all containers together
        peaks += [_amounts(pod_resources.get(kind) or {}) for kind in ("requests", "limits")]
    for usage in peaks:
        for name, amount in usage.items():
            total[name] = max(total.get(name, _ZERO), amount)
    if overhead := spec.get("overhead"):
        total = _sum(total, _amounts(overhead))
    gpus = [amount for name, amount in total.items() if is_gpu(name)]
    return {**total, GPU: sum(gpus, _ZERO)}


def flavor_usage(flavor: Flavor) -> Usage:
    """What a flavor gives to the job's own container."""
    return pod_usage({"spec": {"containers": [{"name": BASE, "resources": flavor_resources(flavor)}]}})


def container_usage(container: Container) -> Usage:
    """What one container may use."""
    return resources_usage({"requests": container.requests, "limits": container.limits})


def resources_usage(resources: Fragment) -> Usage:
    """What a container with these `resources` may use."""
    usage = _amounts(resources.get("limits") or {})
    for name, text in (resources.get("requests") or {}).items():
        usage[name] = max(usage.get(name, _ZERO), to_number(str(text)))
    return usage


def pod_amounts(pod: Fragment) -> Iterator[tuple[tuple[str, ...], KeyPath, Decimal]]:
    """Every amount in a pod: an id that is the same in another pod, its path, and the number.

    The last part of the id is the resource.
    """
    for container in pod_containers(pod):
        group, at = str(container.path[1]), (*container.path, "resources")
        for kind, quantities in (("limits", container.limits), ("requests", container.requests)):
            for name, text in quantities.items():
                yield (group, container.name, kind, name), (*at, kind, name), to_number(text)
    spec = pod["spec"]
    for name, text in (spec.get("overhead") or {}).items():
        yield ("overhead", name), ("spec", "overhead", name), to_number(str(text))
    for kind, quantities in (spec.get("resources") or {}).items():
        for name, text in quantities.items() if kind in ("requests", "limits") else ():
            yield ("pod", kind, name), ("spec", "resources", kind, name), to_number(str(text))


def to_number(text: str) -> Decimal:
    """A quantity as a number. If the text is not a quantity, or is negative, the number is above any limit."""
    number = quantity(text)
    return _UNLIMITED if number is None or number < 0 else number


@lru_cache(256)
def is_gpu(name: str) -> bool:
    """Whether a resource is a GPU."""
    return bool(_GPU_NAME.fullmatch(name))


def counts_against(name: str, key: str) -> bool:
    """Whether the resource ``name`` counts against the limit for ``key``."""
    return name == key or (key == GPU and is_gpu(name))


def _amounts(texts: MappingT[str, object]) -> Usage:
    return {name: to_number(str(text)) for name, text in texts.items()}


def _sum(left: Usage, right: Usage) -> Usage:
    if not left:
        return dict(right)
    return {name: left.get(name, _ZERO) + right.get(name, _ZERO) for name in {**left, **right}}
