"""The errors of a change as items: first those of the platform's files, then the DAGs that cannot be built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dag_factory.config.problems import Problem
from dag_factory.config.source.layout import PLATFORM
from dag_factory.plan.formats.dag_items import problem_items
from dag_factory.plan.formats.outline import Item, Piece, count, name, names, words
from dag_factory.plan.formats.places import in_order, where
from dag_factory.plan.model import DagChange, Plan

_CONSEQUENCE = "broken-"
"""The codes of problems whose cause is another file begin so: `broken-table`, `broken-flavor`, `broken-template`."""

_UNKNOWN = (words(" This plan cannot show what else changes in it: look at the plan again after the fix."),)


class _Reason(NamedTuple):
    """Why DAGs cannot be built. DAGs with the same reason are one item."""

    is_new: bool
    problems: tuple[Problem, ...]
    consequences: tuple[tuple[str, str, str], ...] = ()  # code, message and hint, without the position


def error_items(plan: Plan) -> tuple[Item, ...]:
    """Return the errors that the change adds, and what keeps running."""
    broken: dict[_Reason, dict[str, list[str]]] = {}
    for change in plan.changes:
        if change.kind == "broken":
            found = broken.setdefault(_reason(change), {})
            found.setdefault(change.environment, []).append(change.id)
    reported = {problem for change in plan.changes for problem in change.problems}
    others: dict[str, list[Problem]] = {}
    for problem in plan.new_problems:
        if problem.severity == "error" and problem not in reported:
            others.setdefault(problem.file, []).append(problem)
    platform = {file: found for file, found in others.items() if file.startswith(f"{PLATFORM}/")}
    rest = {file: found for file, found in others.items() if file not in platform}
    return (*_files(platform), *(_dags(plan, reason, found) for reason, found in broken.items()), *_files(rest))


def is_consequence(problem: Problem) -> bool:
    """Return whether the cause of a problem is an error in another file."""
    return problem.code.startswith(_CONSEQUENCE)


def _reason(change: DagChange) -> _Reason:
    if not all(is_consequence(problem) for problem in change.problems):
        return _Reason(change.is_new, change.problems)
    environment = f" of the environment `{change.environment}`"
    texts = {(one.code, one.message.replace(environment, ""), one.hint) for one in change.problems}
    return _Reason(change.is_new, (), tuple(sorted(texts)))


def _files(problems: Mapping[str, Sequence[Problem]]) -> list[Item]:
    return [
        Item((name(file), words(f" has {count(len(found), 'new error')}")), problem_items(found))
        for file, found in problems.items()
    ]


def _dags(plan: Plan, reason: _Reason, found: Mapping[str, Sequence[str]]) -> Item:
    ids = sorted(set().union(*found.values()))
    many = (words(f"{count(len(ids), 'DAG')} cannot be built"), *where(plan, found), words(": "), *names(ids, 20))
    one = (*names(ids), words(" cannot be built"), *where(plan, found))
    texts = [
        (name(code, "risk"), words(": "), Piece(message, "sentence"), words("; "), Piece(hint, "sentence"))
        for code, message, hint in reason.consequences
    ]
    consequences = [Item(pieces) for pieces in texts]
    return Item(
        one if len(ids) == 1 else many,
        (*problem_items(reason.problems), *consequences, _outcome(plan, reason, ids, in_order(plan, found))),
    )


def _outcome(plan: Plan, reason: _Reason, ids: Sequence[str], environments: Sequence[str]) -> Item:
    they, them = ("It is", "it") if len(ids) == 1 else ("They are", "them")
    if not reason.is_new:
        text = f"Until this is fixed, Airflow keeps running the last version of {them} that had no errors."
        return Item((words(text), *_UNKNOWN))
    head = words(f"{they} new, so Airflow does not have {them} in ")
    places = names(tuple(environments), 20)
    return Item((head, *places, words(" until this is fixed."), *_UNKNOWN, *_catchup(plan, ids)))


def _catchup(plan: Plan, ids: Sequence[str]) -> tuple[Piece, ...]:
    """What catchup does in the environments where the same DAG can be built: it is likely here, too."""
    risks = [risk for risk in plan.risks if risk.kind == "catchup" and {one.dag_id for one in risk.places} & {*ids}]
    if not risks:
        return ()
    where_else = in_order(plan, (place.environment for place in risks[0].places))
    return (words(" Expect the same catchup as in "), *names(where_else), words("."))
