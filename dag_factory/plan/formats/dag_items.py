"""The DAGs of a plan as items: those with equal changes in several environments are one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem
from dag_factory.plan.formats.coverage import Coverage
from dag_factory.plan.formats.fields import field_items, label, value_text
from dag_factory.plan.formats.outline import Item, Piece, Tone, count, name, names, words
from dag_factory.plan.formats.places import cause_pieces, in_brackets, in_order, where
from dag_factory.plan.formats.wording import kinds, pair_of
from dag_factory.plan.model import DagChange, FieldChange, JobChange, Plan

_SHOWN = ("removed", "renamed", "added", "changed", "repaired")
"""The kinds of changes that have an item for each DAG, in this order."""
_SIGNS: dict[str, tuple[str, Tone]] = {"added": ("new ", "added"), "removed": ("removed ", "removed")}
_NO_SIGN: tuple[str, Tone] = ("", "")
_NOUNS = {"image": words("image"), "resource_flavor": words("flavor")}

_SCHEDULE = words("schedule: ")
_NO_SCHEDULE = words("no schedule: it runs only if it is started by hand or by another system")
_WHOLE = ("added", "removed", "repaired")
_MANY_JOBS = 20


class _Dag(NamedTuple):
    kind: str
    id: DagId
    file: str
    renamed_from: DagId | None


def dag_items(plan: Plan, coverage: Coverage) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return the DAGs with changes of their own, and lists of those that only the folded effects change."""
    own: dict[_Dag, dict[str, tuple[Item, ...]]] = {}
    effects_only: dict[DagId, list[str]] = {}
    shown = [change for change in plan.changes if change.kind in _SHOWN]
    for change in sorted(shown, key=lambda one: _SHOWN.index(one.kind)):
        children = _children(plan, change, coverage)
        if change.kind == "changed" and not children:
            effects_only.setdefault(change.id, []).append(change.environment)
        else:
            dag = _Dag(change.kind, change.id, change.file, change.renamed_from)
            own.setdefault(dag, {})[change.environment] = children
    return tuple(_dag(plan, dag, found) for dag, found in own.items()), lists_by_environments(plan, effects_only)


def lists_by_environments(plan: Plan, dags: Mapping[DagId, Sequence[str]]) -> tuple[Item, ...]:
    """Return one list of DAGs for each set of environments."""
    found: dict[tuple[str, ...], list[str]] = {}
    for dag_id, environments in dags.items():
        found.setdefault(in_order(plan, environments), []).append(dag_id)
    items = []
    for environments, ids in found.items():
        head = (words(count(len(ids), "DAG")), *in_brackets(plan, environments), words(": "))
        items.append(Item((*head, *names(sorted(ids), 40))))
    return tuple(items)


def problem_items(problems: Iterable[Problem]) -> tuple[Item, ...]:
    """Return one item for each problem: position, code and message, and how to fix it."""
    items = []
    for problem in dict.fromkeys(problems):
        head = (name(problem.location), words(" "), name(problem.code, "risk"), words(": "))
        hint = (Item((words("help: "), Piece(problem.hint, "sentence"))),) if problem.hint else ()
        items.append(Item((*head, Piece(problem.message, "sentence")), hint))
    return tuple(items)


def _dag(plan: Plan, dag: _Dag, found: Mapping[str, tuple[Item, ...]]) -> Item:
    kind = kinds(plan)[dag.kind]
    before = (words(" from "), name(dag.renamed_from)) if dag.renamed_from else ()
    note = (Item((words(kind.note),)),) if kind.note else ()
    pieces = (name(dag.id), *kind.title, *before, *where(plan, found))
    return Item(pieces, (Item((words("file: "), name(dag.file))), *note, *_merged(plan, found)))


def _merged(plan: Plan, found: Mapping[str, tuple[Item, ...]]) -> tuple[Item, ...]:
    """Return the items of several environments once; an item that only some of them have names these."""
    children: dict[tuple[tuple[Piece, ...], tuple[str, ...]], dict[str, tuple[Item, ...]]] = {}
    best_order = sorted(in_order(plan, found), key=lambda one: -len(found[one]))
    for environment in best_order:
        for item in found[environment]:
            children.setdefault((item.pieces, item.diff), {})[environment] = item.children
    items = []
    for (pieces, diff), by_environment in children.items():
        some = in_brackets(plan, by_environment, "in ") if len(by_environment) < len(found) else ()
        items.append(Item((*pieces, *some), _merged(plan, by_environment), diff))
    return tuple(sorted(items, key=lambda item: not _is_schedule(item)))


def _is_schedule(item: Item) -> bool:
    return item.pieces[0] in (_SCHEDULE, _NO_SCHEDULE)


def _children(plan: Plan, change: DagChange, coverage: Coverage) -> tuple[Item, ...]:
    is_new = change.kind == "added" and not pair_of(plan)
    items = [*_new_schedule(change)] if is_new else [*_fields(plan, change, coverage, "", change.fields)]
    items = [*_cause(plan, change), *items, *_whole_jobs(change)]
    for job in change.jobs:
        if job.kind == "changed":
            items += _job(plan, change, job, coverage)
    items += [_edge("new dependency", "added", edge) for edge in change.edges_added]
    items += [_edge("removed dependency", "removed", edge) for edge in change.edges_removed]
    return tuple(items)


def _cause(plan: Plan, change: DagChange) -> tuple[Item, ...]:
    """The line that created, removed or renamed the DAG; nothing if that is its whole file."""
    if change.cause is None or (change.cause.file == change.file and not change.cause.line):
        return ()
    return (Item((words("because of "), *cause_pieces(plan, change.cause))),)


def _new_schedule(change: DagChange) -> tuple[Item, ...]:
    schedule = [field.after for field in change.fields if field.path == "schedule"]
    if not schedule:
        return (Item((_NO_SCHEDULE,)),)
    return (Item((_SCHEDULE, name(value_text(schedule[0]), "added"))),)


def _whole_jobs(change: DagChange) -> Iterable[Item]:
    """Yield one item for all new jobs, which says what they have in common, and one for all removed jobs."""
    for kind in ("added", "removed"):
        jobs = [job for job in change.jobs if job.kind == kind]
        if not jobs:
            continue
        word, tone = _SIGNS[kind] if change.kind not in _WHOLE else _NO_SIGN
        values = [[(label(field.path), value_text(field.after)) for field in job.fields] for job in jobs]
        common = [one for one in values[0] if all(one in some for some in values)]
        head = (words(count(len(jobs), f"{word}job"), tone), *_with(common, " with "), words(": "))
        own = [tuple(one for one in some if one not in common) for some in values]
        yield Item((*head, *_named_jobs([job.job for job in jobs], own)))


def _named_jobs(jobs: Sequence[str], own: Sequence[Sequence[tuple[str, str]]]) -> tuple[Piece, ...]:
    """The names, each with what only this job has in brackets."""
    if not any(own):
        return names(tuple(jobs), _MANY_JOBS)
    pieces: list[Piece] = []
    for job, some in list(zip(jobs, own, strict=True))[:_MANY_JOBS]:
        pieces += [words(", ")] if pieces else []
        pieces += [name(job), words(" ("), *_with(some, ""), words(")")] if some else [name(job)]
    if len(jobs) > _MANY_JOBS:
        pieces.append(words(f" and {len(jobs) - _MANY_JOBS:,} more"))
    return tuple(pieces)


def _with(values: Sequence[tuple[str, str]], before: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for key, value in values:
        pieces += [words(", " if pieces else before), _NOUNS.get(key) or name(key), words(" "), name(value)]
    return tuple(pieces)


def _job(plan: Plan, change: DagChange, job: JobChange, coverage: Coverage) -> Iterable[Item]:
    children = _fields(plan, change, coverage, job.job, job.fields)
    if children:
        yield Item((words("job "), name(job.job)), children)


def _fields(
    plan: Plan, change: DagChange, coverage: Coverage, job: str, fields: Iterable[FieldChange]
) -> tuple[Item, ...]:
    items: list[Item] = []
    for cause, changes in coverage.left(change.environment, change.id, job, fields):
        found = field_items(changes)
        if cause and found:
            found = (*(one._replace(pieces=(*one.pieces, words("  "), *cause_pieces(plan, cause))) for one in found),)
        items += found
    return tuple(items)


def _edge(what: str, tone: Tone, edge: tuple[str, str]) -> Item:
    return Item((words(f"{what}: ", tone), name(edge[1]), words(" waits for "), name(edge[0])))
