"""Ceilings: what one pod, with all its containers, may ask for in an environment or by a team's leave."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as MappingT
from decimal import Decimal

import msgspec

from dag_factory.config.flavors import FlavorEntry
from dag_factory.config.model import Flavor
from dag_factory.config.places import Mark, Path
from dag_factory.config.podchecks import containers_of
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, Node, Scalar, entries, is_set
from dag_factory.config.units import quantity

_MORE = ("sidecars", "init_containers", "pod")  # what may bring other containers, or change the job's own
_NOTHING = Decimal(0)


class Ceiling(msgspec.Struct, frozen=True):
    """The most of each kind (``cpu``, ``memory``, ``gpu``); ``by`` is whose word it is, as `` the team `growth` ``."""

    by: str
    limits: dict[str, Scalar]


def ceiling(by: str, node: Node | None) -> Ceiling:
    """The ceiling that a ``max`` says; no key means no bound."""
    said = {key: item for key, item in entries(node).items() if isinstance(item, Scalar) and item.value is not None}
    return Ceiling(by, {key: item for key, item in said.items() if quantity(item.text) is not None})


def over_ceiling(
    flavor: Flavor, job: Mapping, ceilings: Iterable[Ceiling], others: Collection[FlavorEntry], mark: Mark, path: Path
) -> Iterator[Problem]:
    """A problem for each ceiling that the pod of ``job``, resolved, is over; of several the strictest is told.

    ``others`` are the flavors to propose instead.
    """
    strictest = _strictest(ceilings)
    over = _over(flavor, job, strictest)
    for by in dict.fromkeys(strictest[key][0] for key in over):
        keys = [key for key in over if strictest[key][0] == by]
        asked = ", ".join(f"{key} {_shown(flavor, job, key)} (at most {strictest[key][1].text})" for key in keys)
        alone = all(_size(flavor, job, key) == _own(flavor, key) for key in keys)
        what = f"the flavor `{flavor.name}`" + ("" if alone else " with the job's other containers")
        fitting = [other.flavor for other in others if not _over(other.flavor, job, strictest)]
        cards = _own(flavor, "gpu") > 0
        fitting = [other for other in fitting if (_own(other, "gpu") > 0) == cards] or fitting
        place = strictest[keys[0]][1].mark
        hint = f"no flavor fits under the ceiling in {place.file}:{place.line}"
        if fitting:
            best = max(fitting, key=lambda other: (*(_own(other, key) for key in ("gpu", "memory", "cpu")), other.name))
            hint = f"`{best.name}` fits; the ceiling stands in {place.file}:{place.line}"
        yield Problem.at(mark, path, "over-ceiling", f"{what} is over the ceiling of {by}: {asked}", hint)


def _strictest(ceilings: Iterable[Ceiling]) -> dict[str, tuple[str, Scalar]]:
    """For each kind the lowest limit and whose it is."""
    found: dict[str, tuple[str, Scalar]] = {}
    for one in ceilings:
        for key, limit in one.limits.items():
            if key not in found or _number(limit.text) < _number(found[key][1].text):
                found[key] = (one.by, limit)
    return found


def _over(flavor: Flavor, job: Mapping, strictest: MappingT[str, tuple[str, Scalar]]) -> list[str]:
    return [key for key, (_, limit) in strictest.items() if _size(flavor, job, key) > _number(limit.text)]


def _size(flavor: Flavor, job: Mapping, key: str) -> Decimal:
    """What the whole pod takes, as Kubernetes counts: what runs side by side, or an init container if that is more."""
    if not any(is_set(job.entries.get(word)) for word in _MORE):
        return _own(flavor, key)
    staying = most = _NOTHING
    every = containers_of(job, flavor)
    for one in every:
        asked = _sum({**one.requests, **one.limits}, key)
        if one.kind == "sidecar":
            staying += asked
        elif one.kind == "init":  # beside it run the sidecars that started before
            most = max(most, staying + asked)
    beside = (_sum({**one.requests, **one.limits}, key) for one in every if one.kind in ("job", "beside"))
    return max(most, staying + sum(beside, _NOTHING))


def _own(flavor: Flavor, key: str) -> Decimal:
    """What the job's own container takes."""
    return _sum({**flavor.requests, **flavor.limits}, key)


def _sum(amounts: MappingT[str, str], key: str) -> Decimal:
    if key == "gpu":  # cards under any name
        return sum((_number(amount) for name, amount in amounts.items() if name.endswith("/gpu")), _NOTHING)
    return _number(amounts.get(key.replace("_", "-"), "0"))


def _shown(flavor: Flavor, job: Mapping, key: str) -> str:
    size = _size(flavor, job, key)
    written = flavor.limits.get(key) or flavor.requests.get(key)
    if written and size == _own(flavor, key):
        return written
    return f"{float(size / 1024**3):.4g}Gi" if key == "memory" else f"{float(size):g}"


def _number(text: str) -> Decimal:
    return quantity(text) or _NOTHING
