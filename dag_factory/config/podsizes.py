"""What a job's whole pod asks for, as Kubernetes counts, and where its overlay asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from decimal import Decimal

from dag_factory.config.model import Flavor
from dag_factory.config.places import Path
from dag_factory.config.podchecks import containers_of
from dag_factory.config.strategic import DIRECTIVE
from dag_factory.config.tree import Mapping, Node, Scalar, Sequence, at, entries, is_set, plain
from dag_factory.config.units import quantity

MORE = ("sidecars", "init_containers")  # what brings other containers
SPEC: Path = ("pod", "spec")
_CONTAINERS: tuple[Path, ...] = ((*SPEC, "containers"), (*SPEC, "initContainers"))
_AMOUNTS = ("requests", "limits")
_CARD = re.compile(r".*/(gpu|gpu\..+|mig-.+)")  # a whole one, a shared one, a slice
_NOTHING = Decimal(0)


def size(flavor: Flavor, job: Mapping, key: str) -> Decimal:
    """What the whole pod takes: what runs side by side, or an init container if that is more.

    A folder in memory (``emptyDir``) is not counted: what lies in it counts against its container's limit.
    """
    if not any(is_set(job.entries.get(word)) for word in (*MORE, "pod")):
        return own(flavor, key)
    staying = most = _NOTHING
    every = containers_of(job, flavor)
    for one in every:
        asked = _sum({**one.requests, **one.limits}, key)
        if one.kind == "sidecar":
            staying += asked
        elif one.kind == "init":  # beside it run the sidecars that started before
            most = max(most, staying + asked)
    beside = (_sum({**one.requests, **one.limits}, key) for one in every if one.kind in ("job", "beside"))
    pod = (_sum(_texts(at(job, (*SPEC, "resources", kind))), key) for kind in _AMOUNTS)  # stands for all containers
    return max(most, staying + sum(beside, _NOTHING), *pod) + _sum(_texts(at(job, (*SPEC, "overhead"))), key)


def own(flavor: Flavor, key: str) -> Decimal:
    """What the job's own container takes."""
    return _sum({**flavor.requests, **flavor.limits}, key)


def number(text: str) -> Decimal:
    """A quantity; nothing where the text is none."""
    return quantity(text) or _NOTHING


def claims(job: Mapping) -> Path | None:
    """Where the pod claims devices, of which nobody knows here what they are; None where it does not."""
    claimed = at(job, (*SPEC, "resourceClaims"))
    for index, item in enumerate(claimed.items if isinstance(claimed, Sequence) else ()):
        directive = entries(item).get(DIRECTIVE)
        if directive is None or plain(directive) != "delete":
            return (*SPEC, "resourceClaims", index)
    return None


def largest(job: Mapping, key: str) -> Path:
    """Where the overlay asks for the most of ``key``; the overlay itself where it only moves what others ask for."""
    places = [(number(item.text), place) for place, item in _asked(job) if _is_of(place[-1], key)]
    return max(places, key=lambda found: found[0], default=(_NOTHING, ("pod",)))[1]


def _asked(job: Mapping) -> Iterator[tuple[Path, Scalar]]:
    """Each amount that the overlay names."""
    above: list[Path] = [(*SPEC, "overhead"), *((*SPEC, "resources", kind) for kind in _AMOUNTS)]
    for path in _CONTAINERS:
        found = at(job, path)
        count = len(found.items) if isinstance(found, Sequence) else 0
        above += [(*path, index, "resources", kind) for index in range(count) for kind in _AMOUNTS]
    for place in above:
        for name, item in entries(at(job, place)).items():
            if isinstance(item, Scalar):
                yield (*place, name), item


def _sum(amounts: MappingT[str, str], key: str) -> Decimal:
    return sum((number(amount) for name, amount in amounts.items() if _is_of(name, key)), _NOTHING)


def _is_of(name: object, key: str) -> bool:
    if key == "gpu":  # cards under any name
        return bool(_CARD.fullmatch(str(name)))
    return name == key.replace("_", "-")


def _texts(node: Node | None) -> dict[str, str]:
    return {name: item.text for name, item in entries(node).items() if isinstance(item, Scalar)}
