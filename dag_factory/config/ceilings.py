"""Ceilings: what one pod, with all its containers, may ask for in an environment or by a team's leave."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as MappingT
from decimal import Decimal

import msgspec

from dag_factory.config.flavors import FlavorEntry
from dag_factory.config.model import Flavor
from dag_factory.config.places import Mark, Path
from dag_factory.config.podsizes import MORE, claims, largest, number, own, size
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, Node, Scalar, entries, is_set, mark_at, without
from dag_factory.config.units import quantity


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

    ``mark`` and ``path`` are the flavor's, and ``others`` those to propose instead. What the overlay breaks is
    told there: another flavor would not mend it.
    """
    strictest = _strictest(ceilings)
    over = _over(flavor, job, strictest)
    blamed = {key: _by_overlay(flavor, job, key, number(strictest[key][1].text)) for key in over}
    for by, overlay in dict.fromkeys((strictest[key][0], blamed[key]) for key in over):
        keys = [key for key in over if (strictest[key][0], blamed[key]) == (by, overlay)]
        asked = ", ".join(f"{key} {_shown(flavor, job, key)} (at most {strictest[key][1].text})" for key in keys)
        place = strictest[keys[0]][1].mark
        stands = f"the ceiling stands in {place.file}:{place.line}"
        if overlay:
            here = largest(job, keys[0])
            message, hint = f"with this the job's pod is over the ceiling of {by}: {asked}", f"ask for less; {stands}"
            yield Problem.at(mark_at(job, here), (*path[:-1], *here), "over-ceiling", message, hint)
            continue
        what = f"the flavor `{flavor.name}`"
        if any(size(flavor, job, key) != own(flavor, key) for key in keys):
            more = any(is_set(job.entries.get(word)) for word in MORE)
            what += " with the job's other containers" if more else " with what `pod` adds"
        fitting = [other.flavor for other in others if not _over(other.flavor, job, strictest)]
        cards = own(flavor, "gpu") > 0
        fitting = [other for other in fitting if (own(other, "gpu") > 0) == cards] or fitting
        hint = f"no flavor fits under the ceiling in {place.file}:{place.line}"
        if fitting:
            best = max(fitting, key=lambda other: (*(own(other, key) for key in ("gpu", "memory", "cpu")), other.name))
            hint = f"`{best.name}` fits; {stands}"
        yield Problem.at(mark, path, "over-ceiling", f"{what} is over the ceiling of {by}: {asked}", hint)
    claimed = claims(job)
    if claimed and "gpu" in strictest:
        by, limit = strictest["gpu"]
        message = f"what a pod claims cannot be held against the ceiling of {by}: gpu (at most {limit.text})"
        hint = f"name a flavor with `gpu`; the ceiling stands in {limit.mark.file}:{limit.mark.line}"
        yield Problem.at(mark_at(job, claimed), (*path[:-1], *claimed), "over-ceiling", message, hint)


def _by_overlay(flavor: Flavor, job: Mapping, key: str, limit: Decimal) -> bool:
    """Whether ``pod`` breaks a ceiling: the job keeps it otherwise, or no flavor could keep it."""
    if not is_set(job.entries.get("pod")):
        return False
    nothing = msgspec.structs.replace(flavor, requests={}, limits={})
    return size(flavor, without(job, "pod"), key) <= limit or size(nothing, without(job, *MORE), key) > limit


def _strictest(ceilings: Iterable[Ceiling]) -> dict[str, tuple[str, Scalar]]:
    """For each kind the lowest limit and whose it is."""
    found: dict[str, tuple[str, Scalar]] = {}
    for one in ceilings:
        for key, limit in one.limits.items():
            if key not in found or number(limit.text) < number(found[key][1].text):
                found[key] = (one.by, limit)
    return found


def _over(flavor: Flavor, job: Mapping, strictest: MappingT[str, tuple[str, Scalar]]) -> list[str]:
    return [key for key, (_, limit) in strictest.items() if size(flavor, job, key) > number(limit.text)]


def _shown(flavor: Flavor, job: Mapping, key: str) -> str:
    whole = size(flavor, job, key)
    written = flavor.limits.get(key) or flavor.requests.get(key)
    if written and whole == own(flavor, key):
        return written
    return f"{float(whole / 1024**3):.4g}Gi" if key == "memory" else f"{float(whole):g}"
