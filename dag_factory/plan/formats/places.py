"""Where something happens: environments, DAGs and jobs, counted and named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dag_factory.plan.formats.outline import Piece, count, name, names, words
from dag_factory.plan.formats.wording import pair_of
from dag_factory.plan.model import Cause, Place, Plan

_WITH_JOBS = 8


def in_order(plan: Plan, environments: Iterable[str]) -> tuple[str, ...]:
    """Return the environments once, in the order of the plan."""
    found = set(environments)
    return tuple(one for one in plan.environments if one in found)


def where(plan: Plan, environments: Iterable[str]) -> tuple[Piece, ...]:
    """Return `` in dev, prod``; nothing if two environments are compared."""
    return () if pair_of(plan) else (words(" in "), *names(in_order(plan, environments), 20))


def in_brackets(plan: Plan, environments: Iterable[str], before: str = "") -> tuple[Piece, ...]:
    """Return `` (dev, prod)``; nothing if two environments are compared."""
    return () if pair_of(plan) else (words(f" ({before}"), *names(in_order(plan, environments), 20), words(")"))


def cause_pieces(plan: Plan, cause: Cause) -> tuple[Piece, ...]:
    """Return ``file:line``, and whether the line was removed, or the file is new or was removed."""
    note = _note(cause)
    place = name(f"{cause.file}:{cause.line}" if cause.line else cause.file, "faint")
    return (place, words(f" ({note})")) if note and not pair_of(plan) else (place,)


def _note(cause: Cause) -> str:
    if cause.line:
        return "a removed line" if cause.side == "before" else ""
    return "a removed file" if cause.side == "before" else "a new file"


def blast_radius(plan: Plan, places: Sequence[Place]) -> tuple[Piece, ...]:
    """Return ``212 jobs of 87 DAGs (prod, dev)``."""
    return (*what_changes(places), *_in_environments(plan, places))


def what_changes(places: Sequence[Place]) -> tuple[Piece, ...]:
    """Return ``212 jobs of 87 DAGs``."""
    jobs = {(place.dag_id, place.job) for place in places if place.job}
    dags = {place.dag_id for place in places}
    return (words(f"{count(len(jobs), 'job')} of {count(len(dags), 'DAG')}" if jobs else count(len(dags), "DAG")),)


def _in_environments(plan: Plan, places: Sequence[Place]) -> tuple[Piece, ...]:
    """Return `` (in each of dev, prod)``, or how many there are in each if that differs."""
    found: dict[str, set[tuple[str, str]]] = {}
    for place in places:
        found.setdefault(place.environment, set()).add((place.dag_id, place.job))
    environments = in_order(plan, found)
    if pair_of(plan) or len(environments) < 2 or len({frozenset(some) for some in found.values()}) == 1:
        return in_brackets(plan, environments, "in each of " if len(environments) > 1 else "")
    pieces: list[Piece] = [words(" (")]
    for environment in environments:
        pieces += [words(", ")] if len(pieces) > 1 else []
        pieces += [name(environment), words(f" {len(found[environment]):,}")]
    return (*pieces, words(")"))


def place_names(places: Sequence[Place], longest: int = 12) -> tuple[Piece, ...]:
    """Return the DAGs, and the jobs of at most eight DAGs: ``ml.wine (report, train)``, ``retail.orders``."""
    jobs: dict[str, dict[str, None]] = {}
    for place in sorted(places, key=lambda one: (one.dag_id, one.job)):
        jobs.setdefault(place.dag_id, {}).update({place.job: None} if place.job else {})
    shown = list(jobs) if len(jobs) <= longest + 2 else list(jobs)[:longest]
    pieces: list[Piece] = []
    for dag_id in shown:
        pieces += [words(", ")] if pieces else []
        pieces.append(name(dag_id))
        if jobs[dag_id] and len(jobs) <= _WITH_JOBS:
            pieces += [words(" ("), *names(tuple(jobs[dag_id]), 4), words(")")]
    if len(shown) < len(jobs):
        pieces.append(words(f" and {count(len(jobs) - len(shown), 'more DAG')}"))
    return tuple(pieces)
