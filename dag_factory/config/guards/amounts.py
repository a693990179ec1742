"""What a pod may use of each resource, as Kubernetes counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from decimal import Decimal

from dag_factory.config.containers import Container, of_pod
from dag_factory.config.final_pod import BASE, resources
from dag_factory.config.model import Flavor, Fragment
from dag_factory.config.places import Path
from dag_factory.config.units import quantity

GPU = "gpu"
PLAIN = ("cpu", "memory", "ephemeral-storage")
"""The resources that every container may use without asking, so that each needs a limit."""

_NOTHING = Decimal(0)
_CARD = re.compile(r".*/(?:gpu|gpu\..+|mig-.+)|gpu\.intel\.com/(?:i915|xe)")  # a whole card, a shared one, a slice


def totals(pod: Fragment) -> dict[str, Decimal]:
    """What a whole pod may use: its containers side by side, or an init container if that is more.

    Beside an init container run the sidecars that started before it. A container may use its limit, or its request
    where that is more. ``gpu`` is the sum of all cards. A folder in memory (``emptyDir``) is not counted: what
    lies in it counts against its container's limit.
    """
    found: dict[str, Decimal] = {}
    staying: dict[str, Decimal] = {}
    peaks: list[dict[str, Decimal]] = []
    plain: list[dict[str, Decimal]] = []
    for one in of_pod(pod):
        uses = amounts(one)
        if one.kind == "sidecar":
            staying = _sum(staying, uses)
        elif one.kind == "init":
            peaks.append(_sum(staying, uses))
        else:
            plain.append(uses)
    for uses in plain:
        staying = _sum(staying, uses)
    spec = pod["spec"]
    whole = spec.get("resources") or {}  # stands for all containers
    for uses in (staying, *peaks, *(_numbers(whole.get(kind) or {}) for kind in ("requests", "limits"))):
        for name, amount in uses.items():
            found[name] = max(found.get(name, _NOTHING), amount)
    found = _sum(found, _numbers(spec.get("overhead") or {}))
    cards = [amount for name, amount in found.items() if is_card(name)]
    return {**found, GPU: sum(cards, _NOTHING)}


def of_flavor(flavor: Flavor) -> dict[str, Decimal]:
    """What a flavor gives to the job's own container."""
    return totals({"spec": {"containers": [{"name": BASE, "resources": resources(flavor)}]}})


def amounts(container: Container) -> dict[str, Decimal]:
    """What one container may use."""
    return resources_amounts({"requests": container.requests, "limits": container.limits})


def resources_amounts(resources: Fragment) -> dict[str, Decimal]:
    """What a container with these `resources` may use."""
    requests, limits = _numbers(resources.get("requests") or {}), _numbers(resources.get("limits") or {})
    return {name: max(requests.get(name, _NOTHING), limits.get(name, _NOTHING)) for name in {**requests, **limits}}


def asked(pod: Fragment) -> Iterator[tuple[tuple[str, ...], Path, Decimal]]:
    """Every amount that a pod names: what it is of, which stays the same in another pod, its path, and the number."""
    for one in of_pod(pod):
        for kind, said in (("limits", one.limits), ("requests", one.requests)):
            for name, text in said.items():
                yield (str(one.path[1]), one.name, kind, name), (*one.path, "resources", kind, name), number(text)
    spec = pod["spec"]
    for name, text in (spec.get("overhead") or {}).items():
        yield ("overhead", name), ("spec", "overhead", name), number(str(text))
    for kind, said in (spec.get("resources") or {}).items():
        for name, text in said.items() if kind in ("requests", "limits") else ():
            yield ("pod", kind, name), ("spec", "resources", kind, name), number(str(text))


def number(text: str) -> Decimal:
    """A quantity as a number; more than any limit where the text is not a quantity."""
    found = quantity(text)
    return Decimal("Infinity") if found is None else found


def is_card(name: str) -> bool:
    """Whether a resource is a graphics card."""
    return bool(_CARD.fullmatch(name))


def is_of(name: str, key: str) -> bool:
    """Whether the resource ``name`` counts against the limit of ``key``."""
    return name == key or (key == GPU and is_card(name))


def _numbers(texts: MappingT[str, object]) -> dict[str, Decimal]:
    return {name: number(str(text)) for name, text in texts.items()}


def _sum(left: MappingT[str, Decimal], right: MappingT[str, Decimal]) -> dict[str, Decimal]:
    return {name: left.get(name, _NOTHING) + right.get(name, _NOTHING) for name in {**left, **right}}
