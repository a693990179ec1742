"""The DAGs of a plan as items: those with equal changes in several environments are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem
from dag_factory.plan.formats.coverage import Coverage
from dag_factory.plan.formats.fields import field_items
from dag_factory.plan.formats.outline import Item, Piece, Tone, count, name, names, words
from dag_factory.plan.formats.places import cause_pieces, environment_pieces, in_order
from dag_factory.plan.model import DagChange, FieldChange, JobChange, Plan

_TITLES: dict[str, tuple[str, Tone]] = {
    "removed": ("removed", "removed"),
    "renamed": ("renamed", "changed"),
    "added": ("new", "added"),
    "changed": ("changed", "changed"),
    "repaired": ("repaired", "added"),
}
_SIGNS: dict[str, tuple[str, Tone]] = {"added": ("new job ", "added"), "removed": ("removed job ", "removed")}

_RENAMED = "For Airflow this is a new DAG: it starts without history. The old runs stay under the old name."


class _Row(NamedTuple):
    kind: str
    id: DagId
    file: str
    renamed_from: DagId | None
    children: tuple[Item, ...]


def dag_items(plan: Plan, coverage: Coverage) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return the DAGs with changes of their own, and one item for those that only the folded effects change."""
    environments: dict[_Row, list[str]] = {}
    for kind in _TITLES:
        for change in plan.changes:
            if change.kind == kind:
                row = _Row(kind, change.id, change.file, change.renamed_from, _children(change, coverage))
                environments.setdefault(row, []).append(change.environment)
    own: list[Item] = []
    effects_only: dict[tuple[str, ...], list[str]] = {}
    for row, found in environments.items():
        where = in_order(plan, found)
        if row.kind == "changed" and not row.children:
            effects_only.setdefault(where, []).append(row.id)
        else:
            own.append(_dag(row, where))
    return tuple(own), tuple(dag_list(where, dags) for where, dags in effects_only.items())


def dag_list(environments: Sequence[str], dags: Sequence[str]) -> Item:
    """Return ``3 DAGs (dev, prod): a, b, c``."""
    head = (words(f"{count(len(dags), 'DAG')} ("), *environment_pieces(environments), words("): "))
    return Item((*head, *names(sorted(dags), 40)))


def problem_items(problems: Iterable[Problem]) -> tuple[Item, ...]:
    """Return one item for each problem: position, code and message, and how to fix it."""
    items = []
    for problem in dict.fromkeys(problems):
        head = (name(problem.location), words(" "), name(problem.code, "risk"), words(": "))
        hint = (Item((words("help: "), Piece(problem.hint, "sentence"))),) if problem.hint else ()
        items.append(Item((*head, Piece(problem.message, "sentence")), hint))
    return tuple(items)


def _dag(row: _Row, environments: Sequence[str]) -> Item:
    title, tone = _TITLES[row.kind]
    before = (words(" from "), name(row.renamed_from)) if row.renamed_from else ()
    pieces = (
        name(row.id),
        words(" is "),
        words(title, tone),
        *before,
        words(" in "),
        *environment_pieces(environments),
    )
    return Item(pieces, (Item((words("file: "), name(row.file))), *row.children))


def _children(change: DagChange, coverage: Coverage) -> tuple[Item, ...]:
    items = [*_fields(change, coverage, "", change.fields)]
    unchanged_jobs = [job.job for job in change.jobs if change.kind in ("added", "removed") and not job.fields]
    if unchanged_jobs:
        items.append(Item((words(f"{count(len(unchanged_jobs), 'job')}: "), *names(unchanged_jobs, 20))))
    for job in change.jobs:
        if job.job not in unchanged_jobs:
            items += _job(change, job, coverage)
    items += [_edge("new dependency", "added", edge) for edge in change.edges_added]
    items += [_edge("removed dependency", "removed", edge) for edge in change.edges_removed]
    if change.kind == "renamed":
        items.insert(0, Item((words(_RENAMED),)))
    if change.kind == "repaired":
        items.insert(0, Item((words("Its file had errors before this change. Airflow now runs the version below."),)))
    return tuple(items)


def _job(change: DagChange, job: JobChange, coverage: Coverage) -> Iterable[Item]:
    children = _fields(change, coverage, job.job, job.fields)
    sign, tone = _SIGNS.get(job.kind, ("job ", ""))
    if children or job.kind != "changed":
        yield Item((words(sign, tone), name(job.job)), children)


def _fields(change: DagChange, coverage: Coverage, job: str, fields: Iterable[FieldChange]) -> tuple[Item, ...]:
    items: list[Item] = []
    for cause, changes in coverage.left(change.environment, change.id, job, fields):
        found = field_items(changes)
        if cause and found:
            found = (*(one._replace(pieces=(*one.pieces, words("  "), *cause_pieces(cause))) for one in found),)
        items += found
    return tuple(items)


def _edge(what: str, tone: Tone, edge: tuple[str, str]) -> Item:
    return Item((words(f"{what}: ", tone), name(edge[1]), words(" waits for "), name(edge[0])))
