"""Compile both revisions, on every core, and compare their DAGs.

A file is compiled only if its result can differ: its bytes, the tables, or the ids of other files that it claims.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from dag_factory.config.file_results import AssetMention, FileResult, PipelineResult
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.problems import Problem
from dag_factory.config.project import conflicts
from dag_factory.config.project.open_project import ProjectError
from dag_factory.config.source import image_folders
from dag_factory.config.source.layout import ENVIRONMENTS, candidate_files, file_of
from dag_factory.config.suggestions import did_you_mean
from dag_factory.plan.comparison.compiled_sides import Home, Pair, compile_text, make_pair, read_home, table_problems
from dag_factory.plan.comparison.problem_changes import ProblemChanges, compare_problems
from dag_factory.plan.comparison.renames import find_renames
from dag_factory.plan.differences.dag_change import dag_change
from dag_factory.plan.model import Comparison, DagChange, Place

_ENCODER = msgspec.msgpack.Encoder()
_COMPARISONS = msgspec.msgpack.Decoder(list[list[Comparison]])
_FILES_PER_PROCESS = 16  # for fewer files it is not worth starting a process


class Compared(msgspec.Struct, frozen=True):
    """``comparisons`` and ``changes`` belong together, one by one, sorted by id and environment.

    ``files`` are the names of the pipeline files and tables of both revisions, ``changed_files`` those that differ.
    ``still_broken`` are the DAGs of changed files that had errors before and still have them.
    """

    environments: tuple[str, ...]
    files: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    changes: tuple[DagChange, ...]
    problems: ProblemChanges
    changed_files: tuple[str, ...] = ()
    still_broken: tuple[Place, ...] = ()


class _Found(msgspec.Struct):
    """What one file gives in one pair."""

    pair: int
    file_id: FileId
    changes: list[tuple[Comparison, DagChange]]
    problems: tuple[list[Problem], list[Problem]]
    assets: tuple[FileResult | None, FileResult | None]
    still_broken: list[DagId]


def compare(base_home: Path, head_home: Path, environments: Sequence[str] = ()) -> Compared:
    """Compare two folders in some environments, or in all. Raises ``ProjectError`` for an unknown environment."""
    before, after = read_home(base_home), read_home(head_home)
    known = tuple(sorted({*before.environments, *after.environments}))
    _check_environments(environments, known)
    pairs = {name: make_pair(name, before, after, name) for name in dict.fromkeys(environments or known)}
    names = tuple(pairs if environments else sorted(pairs, key=lambda name: _place_in_review(pairs[name])))
    return _compare(before, after, [pairs[name] for name in names], names)


def _place_in_review(pair: Pair) -> tuple[bool, bool, str]:
    """The environments that run by schedule come first, that of the local machine last."""
    modes = [side.tables.schedules for side in (pair.after, pair.before) if side]  # None if a table is broken
    mode = next((one.value for one in modes if one), "run")
    return pair.name == image_folders.ENVIRONMENT, mode != "run", pair.name


def compare_environments(home: Path, one: str, other: str) -> Compared:
    """Compare two environments of the same files: ``one`` is the state before."""
    files = read_home(home)
    _check_environments((one, other), files.environments)
    name = f"{one}..{other}"
    return _compare(files, files, [Pair(name, files.project(one), files.project(other))], (name,))


def _check_environments(wanted: Sequence[str], known: tuple[str, ...]) -> None:
    if not known:
        hint = f"create {ENVIRONMENTS}/local.yaml; it begins with `version: 1`"
        message = "the project has no environment in either revision"
        raise ProjectError(Problem(ENVIRONMENTS, 0, 0, "no-environment", message, hint=hint))
    for name in wanted:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ProjectError(
                Problem(ENVIRONMENTS, 0, 0, "unknown-environment", f"unknown environment `{name}`", hint=hint)
            )


def _compare(before: Home, after: Home, pairs: Sequence[Pair], names: tuple[str, ...]) -> Compared:
    work = _Work(before, after, tuple(pairs))
    found_problems: list[tuple[str, list[Problem], list[Problem]]] = []
    for pair in pairs:
        tables = list(table_problems(before, pair.before)), list(table_problems(after, pair.after))
        found_problems.append((pair.name, *tables))
    found = _on_every_core(work, work.files_to_compile())
    for index in _with_new_assets(found):
        compiled = {one.file_id for one in found if one.pair == index}
        rest = [file_id for file_id in work.common_files if file_id not in compiled]
        found += _on_every_core(msgspec.structs.replace(work, only=index, compiles_equal=True), rest)
    found.sort(key=lambda one: (one.pair, one.file_id))
    for index, pair in enumerate(pairs):
        own = [one for one in found if one.pair == index]
        problems: list[list[Problem]] = []
        for side in (0, 1):
            of_files = [problem for one in own for problem in one.problems[side]]
            conflicting = conflicts.find_problems([result for one in own if (result := one.assets[side])])
            problems.append([*of_files, *conflicting])
        found_problems.append((pair.name, problems[0], problems[1]))
    changes = {id(one): change for each in found for one, change in each.changes}
    comparisons = _with_one_per_dag([one for each in found for one, _ in each.changes])
    comparisons = find_renames(comparisons, before.path, after.path)
    changed = [(one, changes[id(one)] if id(one) in changes else dag_change(one)) for one in comparisons]
    changed.sort(key=lambda one: (one[0].id, names.index(one[0].environment)))
    return Compared(
        names,
        work.all_files(),
        tuple(one for one, change in changed if change),
        tuple(change for _, change in changed if change),
        compare_problems(found_problems, names),
        work.changed_files(),
        tuple(Place(names[one.pair], dag_id) for one in found for dag_id in one.still_broken),
    )


class _Work(msgspec.Struct, frozen=True):
    """``only`` is the index of the pair to compile; ``compiles_equal``: compile files that are equal, too."""

    before: Home
    after: Home
    pairs: tuple[Pair, ...]
    only: int | None = None
    compiles_equal: bool = False

    @property
    def common_files(self) -> list[FileId]:
        """The files of both revisions."""
        return sorted(self.before.files & self.after.files)

    def all_files(self) -> tuple[str, ...]:
        """The names of the pipeline files and tables of both revisions."""
        pipelines = map(file_of, self.before.files | self.after.files)
        tables = (name for home in (self.before, self.after) if home.platform for name in home.platform.names)
        return tuple(sorted({*pipelines, *tables}))

    def changed_files(self) -> tuple[str, ...]:
        """The names of the pipeline files and tables whose bytes differ, or that only one revision has."""
        pipelines = (one for one in self.before.files | self.after.files if self._has_changed(one))
        sides = [home.platform for home in (self.before, self.after) if home.platform]
        tables = {
            name
            for side in sides
            for name in side.names
            if len(sides) == 1 or sides[0].read(name) != sides[1].read(name)
        }
        return tuple(sorted({*map(file_of, pipelines), *tables}))

    def files_to_compile(self) -> list[FileId]:
        """The files whose result can differ in one of the pairs."""
        everything = sorted(self.before.files | self.after.files)
        if not all(pair.has_same_tables for pair in self.pairs):
            return everything
        claiming = self.claiming
        return [one for one in everything if one in claiming or self._has_changed(one)]

    @property
    def claiming(self) -> frozenset[FileId]:
        """The files whose DAGs may have the id of a file that exists in only one revision."""
        changed = self.before.files ^ self.after.files
        return frozenset(one for file_id in changed for one in candidate_files(DagId(file_id)))

    def _has_changed(self, file_id: FileId) -> bool:
        return self.before.read(file_id) != self.after.read(file_id)


def _with_one_per_dag(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with one for a DAG that moves from an instance of a file to a file of its own, or back."""
    found: dict[tuple[str, DagId], Comparison] = {}
    for one in comparisons:
        other = found.get((one.environment, one.id))
        if other:
            new, old = (one, other) if one.after else (other, one)
            before, problems = new.before or old.before, new.problems_before or old.problems_before
            one = msgspec.structs.replace(new, before=before, problems_before=problems)
        found[one.environment, one.id] = one
    return [*found.values()]


def _on_every_core(work: _Work, file_ids: Sequence[FileId]) -> list[_Found]:
    count = min(os.cpu_count() or 1, len(file_ids) // _FILES_PER_PROCESS)
    if count < 2 or multiprocessing.current_process().daemon:
        return _compile_part(work, file_ids)
    parts = [file_ids[start::count] for start in range(count)]
    for project in (side for pair in work.pairs for side in (pair.before, pair.after) if side):
        _ = project.tables  # read before the processes start, which inherit them
    with ProcessPoolExecutor(count, multiprocessing.get_context("fork"), _begin, (work,)) as pool:
        return [one for packed in pool.map(_compile_packed, parts) for one in _unpack(*packed)]


_inherited: list[_Work] = []


def _begin(work: _Work) -> None:
    """Begin a process with the work of its parent, which is not copied through a pipe."""
    gc.disable()  # it ends soon, and has few reference cycles
    _inherited[:] = [work]


def _compile_packed(file_ids: Sequence[FileId]) -> tuple[bytes, bytes]:
    """What the files give, in two parts: msgpack takes a third of the time of pickle for models."""
    found = _compile_part(_inherited[0], file_ids)
    comparisons = _ENCODER.encode([[comparison for comparison, _ in one.changes] for one in found])
    rest = [
        (one.pair, one.file_id, [change for _, change in one.changes], one.problems, one.assets, one.still_broken)
        for one in found
    ]
    return comparisons, pickle.dumps(rest, pickle.HIGHEST_PROTOCOL)


def _unpack(comparisons: bytes, rest: bytes) -> Iterator[_Found]:
    for own, (pair, file_id, changes, *others) in zip(
        _COMPARISONS.decode(comparisons), pickle.loads(rest), strict=True
    ):
        yield _Found(pair, file_id, list(zip(own, changes, strict=True)), *others)


def _compile_part(work: _Work, file_ids: Sequence[FileId]) -> list[_Found]:
    claiming = work.claiming
    return [one for file_id in file_ids for one in _compile_file(work, file_id, file_id in claiming)]


def _compile_file(work: _Work, file_id: FileId, is_claiming: bool) -> Iterator[_Found]:
    texts = work.before.read(file_id), work.after.read(file_id)
    for index, pair in enumerate(work.pairs):
        if work.only not in (None, index):
            continue
        is_equal = texts[0] == texts[1] and pair.has_same_tables
        if is_equal and not (is_claiming or work.compiles_equal):
            continue
        before = compile_text(pair.before, texts[0])
        after = before if is_equal else compile_text(pair.after, texts[1])
        old, new = _without_duplicates(before, work.before), _without_duplicates(after, work.after)
        compared = ((one, dag_change(one)) for one in _pair_dags(pair.name, file_id, old, new))
        changes = [(_without_texts(one), change) for one, change in compared if change]
        broken = [] if texts[0] == texts[1] else _still_broken(old, new)
        problems, assets = (_problems(old), _problems(new)), (_assets(before), _assets(after))
        yield _Found(index, file_id, changes, problems, assets, broken)


def _without_texts(comparison: Comparison) -> Comparison:
    """The comparison without the resolved texts, which are compared already: there is less to send."""
    sides = (one and msgspec.structs.replace(one, resolved="") for one in (comparison.before, comparison.after))
    before, after = sides
    return msgspec.structs.replace(comparison, before=before, after=after)


def _without_duplicates(found: FileResult | None, home: Home) -> FileResult | None:
    return conflicts.reject_duplicate_ids([found], home.files)[0] if found else None


def _pair_dags(
    environment: str, file_id: FileId, before: FileResult | None, after: FileResult | None
) -> Iterator[Comparison]:
    """Yield both versions of each DAG of a file that differ.

    If a file cannot even be read, all DAGs that the other side has are broken, or repaired.
    """
    old, new = _results(before), _results(after)
    if after and not after.readable:
        new = _spread(after, old) or new
    if before and not before.readable:
        old = _spread(before, new) or old
    for dag_id in {**old, **new}:
        one, other = old.get(dag_id), new.get(dag_id)
        previous, current = one.pipeline if one else None, other.pipeline if other else None
        problems = one.problems if one else (), other.problems if other else ()
        if previous == current and problems[0] == problems[1]:
            continue
        yield Comparison(environment, dag_id, file_of(file_id), previous, current, *problems)


def _results(found: FileResult | None) -> dict[DagId, PipelineResult]:
    return {one.id: one for one in found.results} if found else {}


def _still_broken(before: FileResult | None, after: FileResult | None) -> list[DagId]:
    """The DAGs that have errors on both sides."""
    old, new = ({dag_id for dag_id, one in _results(side).items() if not one.pipeline} for side in (before, after))
    return sorted(old & new)


def _spread(broken: FileResult, others: dict[DagId, PipelineResult]) -> dict[DagId, PipelineResult]:
    """The problems of an unreadable file for each DAG that the other revision of the file defines."""
    problems = tuple(problem for one in broken.results for problem in one.problems)
    return {dag_id: PipelineResult(dag_id, None, problems) for dag_id, one in others.items() if one.pipeline}


def _problems(found: FileResult | None) -> list[Problem]:
    return [problem for one in found.results for problem in one.problems] if found else []


def _assets(found: FileResult | None) -> FileResult | None:
    """The assets that a file names, which may conflict with those of other files."""
    if found is None or not found.assets:
        return None
    return msgspec.structs.replace(found, results=(), instances={})


def _with_new_assets(found: Sequence[_Found]) -> list[int]:
    """The pairs in which the names or the URIs of assets changed: they may conflict with those of any other file."""
    changed = set()
    for one in found:
        before, after = (_named(side.assets) if side else set() for side in one.assets)
        if before != after:
            changed.add(one.pair)
    return sorted(changed)


def _named(assets: Sequence[AssetMention]) -> set[tuple[str, str]]:
    return {(one.name, one.uri) for one in assets}
