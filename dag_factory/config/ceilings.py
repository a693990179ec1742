"""Ceilings: what one pod, with all its containers, may ask for in an environment or by a team's leave."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as MappingT
from dataclasses import dataclass
from decimal import Decimal

from dag_factory.config.flavors import FlavorEntry
from dag_factory.config.model import Flavor
from dag_factory.config.places import Mark, Path
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, Node, Scalar, Sequence, at, entries
from dag_factory.config.units import quantity

_BASE = "base"  # what the operator calls the job's own container
_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Ceiling:
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
    beside, before = _own(flavor, key), _NOTHING
    for container in _items(at(job, ("pod", "spec", "containers"))):
        said = _asked(container, key)
        if _name(container) == _BASE:
            beside += said - _own(flavor, key) if said is not None else _NOTHING
        else:
            beside += said or _NOTHING
    starting = [(one, False) for one in _items(job.entries.get("init_containers"))]
    starting += [(one, True) for one in _items(job.entries.get("sidecars"))]
    starting += [(one, _stays(one)) for one in _items(at(job, ("pod", "spec", "initContainers")))]
    staying = sum((_asked(one, key) or _NOTHING for one, stays in starting if stays), _NOTHING)
    before = max((_asked(one, key) or _NOTHING for one, stays in starting if not stays), default=_NOTHING)
    return max(beside, before) + staying


def _own(flavor: Flavor, key: str) -> Decimal:
    """What the job's own container takes."""
    return _sum({**flavor.requests, **flavor.limits}, key)


def _asked(container: Node, key: str) -> Decimal | None:
    """What a container in Kubernetes' words takes, or None where it does not say."""
    resources = at(container, ("resources",))
    said = {**entries(at(resources, ("requests",)) if resources else None)}
    said |= entries(at(resources, ("limits",)) if resources else None)
    amounts = {name: item.text for name, item in said.items() if isinstance(item, Scalar) and item.value is not None}
    return _sum(amounts, key) if amounts else None


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


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else ()


def _name(container: Node) -> str:
    name = entries(container).get("name")
    return name.text if isinstance(name, Scalar) else ""


def _stays(container: Node) -> bool:
    policy = entries(container).get("restartPolicy")
    return isinstance(policy, Scalar) and policy.text == "Always"
