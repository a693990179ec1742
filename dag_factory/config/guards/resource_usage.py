"""What a pod may use of each resource, as Kubernetes counts."""

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
"""The resources that every container may use without asking, so that each needs a limit."""

_NOTHING = Decimal(0)
_ENDLESS = Decimal("Infinity")
_CARD = re.compile(r".*/(?:gpu|gpu\..+|mig-.+)|gpu\.intel\.com/(?:i915|xe)")  # a whole card, a shared one, a slice


def pod_usage(pod: Fragment, containers: Sequence[Container] = ()) -> dict[str, Decimal]:
    """What a whole pod may use: its containers side by side, or an init container if that is more.

    Beside an init container run the sidecars that started before it. A container may use its limit, or its request
    where that is more. ``gpu`` is the sum of all cards. A folder in memory (``emptyDir``) is not counted: what
    lies in it counts against its container's limit. ``containers`` are the pod's, where they are known.
    """
    spec = pod["spec"]
    staying: dict[str, Decimal] = {}
    peaks: list[dict[str, Decimal]] = []
    plain: list[dict[str, Decimal]] = []
    for one in containers or pod_containers(pod):
        uses = container_usage(one)
        if one.kind == "sidecar":
            staying = _sum(staying, uses)
        elif one.kind == "init":
            peaks.append(_sum(staying, uses))
        else:
            plain.append(uses)
    for uses in plain:
        staying = _sum(staying, uses)
    if whole := spec.get("resources"):  # stands for all containers
        peaks += [_numbers(whole.get(kind) or {}) for kind in ("requests", "limits")]
    for uses in peaks:
        for name, amount in uses.items():
            staying[name] = max(staying.get(name, _NOTHING), amount)
    if overhead := spec.get("overhead"):
        staying = _sum(staying, _numbers(overhead))
    cards = [amount for name, amount in staying.items() if is_gpu(name)]
    return {**staying, GPU: sum(cards, _NOTHING)}


def flavor_usage(flavor: Flavor) -> dict[str, Decimal]:
    """What a flavor gives to the job's own container."""
    return pod_usage({"spec": {"containers": [{"name": BASE, "resources": flavor_resources(flavor)}]}})


def container_usage(container: Container) -> dict[str, Decimal]:
    """What one container may use."""
    return resources_usage({"requests": container.requests, "limits": container.limits})


def resources_usage(resources: Fragment) -> dict[str, Decimal]:
    """What a container with these `resources` may use."""
    found = _numbers(resources.get("limits") or {})
    for name, text in (resources.get("requests") or {}).items():
        found[name] = max(found.get(name, _NOTHING), to_number(str(text)))
    return found


def pod_amounts(pod: Fragment) -> Iterator[tuple[tuple[str, ...], KeyPath, Decimal]]:
    """Every amount that a pod names: what it is of, which stays the same in another pod, its path, and the number."""
    for one in pod_containers(pod):
        for kind, said in (("limits", one.limits), ("requests", one.requests)):
            for name, text in said.items():
                yield (str(one.path[1]), one.name, kind, name), (*one.path, "resources", kind, name), to_number(text)
    spec = pod["spec"]
    for name, text in (spec.get("overhead") or {}).items():
        yield ("overhead", name), ("spec", "overhead", name), to_number(str(text))
    for kind, said in (spec.get("resources") or {}).items():
        for name, text in said.items() if kind in ("requests", "limits") else ():
            yield ("pod", kind, name), ("spec", "resources", kind, name), to_number(str(text))


def to_number(text: str) -> Decimal:
    """A quantity as a number; more than any limit where the text is not a quantity, or is less than nothing."""
    found = quantity(text)
    return _ENDLESS if found is None or found < 0 else found


@lru_cache(256)
def is_gpu(name: str) -> bool:
    """Whether a resource is a graphics card."""
    return bool(_CARD.fullmatch(name))


def counts_against(name: str, key: str) -> bool:
    """Whether the resource ``name`` counts against the limit of ``key``."""
    return name == key or (key == GPU and is_gpu(name))


def _numbers(texts: MappingT[str, object]) -> dict[str, Decimal]:
    return {name: to_number(str(text)) for name, text in texts.items()}


def _sum(left: dict[str, Decimal], right: dict[str, Decimal]) -> dict[str, Decimal]:
    if not left:
        return dict(right)
    return {name: left.get(name, _NOTHING) + right.get(name, _NOTHING) for name in {**left, **right}}
