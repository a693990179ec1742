"""The words for the kinds of changes: of two revisions, or of two environments in one revision."""

from __future__ import annotations

from typing import NamedTuple

from dag_factory.plan.formats.outline import Piece, Tone, name, words
from dag_factory.plan.model import Plan

Pieces = tuple[Piece, ...]


class Kind(NamedTuple):
    """``label`` completes a number (``3 added``), ``title`` a name (``ml.wine is new``). ``note``: what follows."""

    label: Pieces
    title: Pieces
    note: str = ""


def pair_of(plan: Plan) -> tuple[str, str] | None:
    """Return the names of the two environments that are compared; None if two revisions are compared."""
    pair = (plan.base.name, plan.head.name)
    has_commit = plan.base.commit or plan.head.commit
    return None if has_commit or plan.environments != ("..".join(pair),) else pair


def kinds(plan: Plan) -> dict[str, Kind]:
    """Return the kinds, the most important one first: a DAG with several counts as the first of them."""
    pair = pair_of(plan)
    return _of_environments(*pair) if pair else _OF_REVISIONS


def _kind(label: str, title: str, tone: Tone, note: str = "") -> Kind:
    return Kind((words(label, tone),), (words(" is "), words(title, tone)), note)


_OF_REVISIONS = {
    "broken": _kind("broken", "broken", "risk"),
    "removed": _kind("removed", "removed", "removed", "Airflow starts no more runs of it."),
    "renamed": _kind(
        "renamed",
        "renamed",
        "changed",
        "The old runs stay under the old name.",
    ),
    "added": _kind("added", "new", "added"),
    "changed": _kind("changed", "changed", "changed"),
    "repaired": _kind(
        "repaired",
        "repaired",
        "added",
        "Its file had errors before this change. Without them, Airflow runs the new version.",
    ),
    "documentation": _kind("documentation only", "changed in its documentation only", "faint"),
}


def _of_environments(one: str, other: str) -> dict[str, Kind]:
    def only_in(environment: str, tone: Tone) -> Kind:
        label = (words("only in ", tone), name(environment, tone))
        return Kind(label, (words(" is "), *label))

    def with_errors(environment: str) -> Kind:
        label = (words("with errors in ", "risk"), name(environment, "risk"))
        return Kind(label, (words(" has errors only in "), name(environment, "risk")))

    differs = Kind((words("with differences", "changed"),), (words(" differs", "changed"),))
    return {
        "broken": with_errors(other),
        "removed": only_in(one, "removed"),
        "renamed": differs,
        "added": only_in(other, "added"),
        "changed": differs,
        "repaired": with_errors(one),
        "documentation": Kind(
            (words("with other documentation only", "faint"),), (words(" differs in its documentation only"),)
        ),
    }
