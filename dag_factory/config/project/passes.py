"""One loader's pass over a project: what its files mean now, and what its DAGs are in the meantime.

A pass compiles first; then its DAGs are built; then it records what was built. So a version that Airflow refuses is
never the last good one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from dag_factory.config import loader_work
from dag_factory.config.model import Pipeline
from dag_factory.config.outcomes import FileResult, PipelineResult
from dag_factory.config.problems import Problem
from dag_factory.config.project import admission, last_good
from dag_factory.config.project.admission import Candidate
from dag_factory.config.project.cache import Cache, Good
from dag_factory.config.project.shards import Shard

_NONE: Mapping[str, Problem] = MappingProxyType({})


class Compiled(msgspec.Struct, frozen=True):
    """Pipelines that can be built, in the order of their files, and every problem, sorted by place.

    Of the files that are ``postponed``, for want of time, there are the DAGs that they had, after all others. So it is
    with the DAGs that are ``left_out``, since the loader has too much work; each has a problem for it.
    """

    pipelines: tuple[Pipeline, ...]
    problems: tuple[Problem, ...]
    pools: dict[str, int]
    postponed: tuple[str, ...] = ()
    left_out: tuple[Problem, ...] = ()
    work: int = 0  # of all of them, in units


@dataclass(frozen=True)
class Files:
    """What came of a share's files, and what was the last good version of each of its DAGs before.

    ``names`` are those of the outcomes, by the ids of their files; ``complete`` as in ``Listing``.
    """

    share: Shard
    kept: Cache
    found: Sequence[FileResult]
    names: Mapping[str, str]
    good: Mapping[str, Good]
    complete: bool


@dataclass(frozen=True)
class Pass:
    """``compiled`` is what to build. ``as_of_today`` puts an old version under the rules that hold now."""

    compiled: Compiled
    files: Files
    left_out: Mapping[str, Problem]
    as_of_today: Callable[[Pipeline], Pipeline]

    def instead(self, failed: Mapping[str, Problem]) -> list[Pipeline]:
        """The last good versions of DAGs that could not be built, by their ids, where there are any."""
        good = self._instead(failed)
        found = (last_good.version(dag_id, good[dag_id], self.files.kept.outcome, (failed[dag_id],)) for dag_id in good)
        return [self.as_of_today(one.pipeline) for one in found if one.pipeline]

    def keep(self, failed: Mapping[str, Problem] = _NONE) -> None:
        """Record what was built; ``failed`` has the ids of the DAGs that could not be, with their problems."""
        files = self.files
        instead = self._instead(failed)
        for file_id, name in files.names.items():
            mine = {dag_id: one for dag_id, one in instead.items() if one.file == file_id}
            if mine:
                files.kept.keep_stood_in(name, mine)
        waiting = {dag_id: files.good[dag_id] for dag_id in self.left_out if dag_id in files.good}
        self._keep_waiting(waiting)
        old = instead | {
            dag_id: msgspec.structs.replace(one, waiting=files.names.get(one.file, ""))
            for dag_id, one in waiting.items()
        }
        new = last_good.renewed(files.found, files.names, files.good, files.complete, {*failed, *self.left_out})
        files.kept.keep_last_good(dict(sorted({**new, **old}.items())), files.share.has)

    def _keep_waiting(self, waiting: Mapping[str, Good]) -> None:
        """Record for workers which DAGs stay at the version before, and which do so no more."""
        files = self.files
        for stale in {one.waiting for one in files.good.values() if one.waiting} - set(files.names.values()):
            files.kept.keep_waiting(stale, {})
        by_file: dict[str, dict[str, Good]] = {one.file: {} for one in files.good.values() if one.waiting}
        for dag_id, one in waiting.items():
            by_file.setdefault(one.file, {})[dag_id] = one
        for file_id, mine in by_file.items():
            if name := files.names.get(file_id):
                files.kept.keep_waiting(name, mine)

    def built(self, failed: Collection[str]) -> tuple[str, ...]:
        """The names of the outcomes of which every DAG was built, sorted."""
        missing = {*failed, *self.left_out}
        named = ((self.files.names.get(one.id), one) for one in self.files.found)
        done = (name for name, one in named if name and not missing.intersection(buildable(one)))
        return tuple(sorted(done))

    def by_name(self, failed: Mapping[str, Problem]) -> dict[str, dict[str, Problem]]:
        """The problems of DAGs that could not be built, by the names of their outcomes."""
        found: dict[str, dict[str, Problem]] = {}
        for one in self.files.found:
            mine = {dag_id: failed[dag_id] for dag_id in buildable(one) if dag_id in failed}
            if mine and (name := self.files.names.get(one.id)):
                found[name] = mine
        return found

    def _instead(self, failed: Mapping[str, Problem]) -> dict[str, Good]:
        files, good = self.files, self.files.good
        names = {result.id: files.names.get(one.id, "") for one in files.found for result in one.results}
        return {dag_id: good[dag_id] for dag_id in failed if dag_id in good and good[dag_id].name != names.get(dag_id)}


def buildable(one: FileResult) -> list[str]:
    """The DAGs of an outcome that there are without an older version."""
    return [result.id for result in one.results if result.pipeline is not None]


def within_budget(
    files: Files, held: Sequence[FileResult], budget: int | None
) -> tuple[list[FileResult], dict[str, Problem]]:
    """The outcomes without new work that would exceed the loader's ``budget``, and a problem for each such DAG."""
    results = {result.id: result for one in held for result in one.results if result.pipeline}
    if budget is None or sum(result.work for result in results.values()) <= budget:
        return list(held), {}
    changes = list(_changes(files, results))
    problems: dict[str, Problem] = {}
    instead: dict[str, PipelineResult] = {}
    for one in admission.held_out(changes, budget):
        problem = admission.over_budget(_file(results[one.id]), one, budget)
        before = PipelineResult(one.id, None, ())
        if one.before is not None:
            before = last_good.version(one.id, files.good[one.id], files.kept.outcome, (problem,))
            if before.pipeline is None:  # its last version is lost: it stays
                continue
        problems[one.id] = problem
        instead[one.id] = msgspec.structs.replace(before, problems=(*results[one.id].problems, problem))
    return [_with(one, instead) for one in held], problems


def before_waiting(found: FileResult, name: str, kept: Cache, dag_id: str) -> FileResult:
    """The outcome ``name`` of a file with the version of a DAG that the loader has, where a larger one waits."""
    last = kept.waiting(name).get(dag_id)
    if last is None:
        return found
    before = last_good.version(dag_id, last, kept.outcome, (admission.waits(found.file, dag_id),))
    return _with(found, {dag_id: before}) if before.pipeline else found


def _changes(files: Files, results: Mapping[str, PipelineResult]) -> Iterator[Candidate]:
    """The DAGs of a pass beside those of the last one."""
    for dag_id, result in results.items():
        last = files.good.get(dag_id)
        if last is None:
            yield Candidate(dag_id, result.work, None)
        else:  # a list that an older version wrote does not name the work
            before = last.work or result.work
            yield Candidate(dag_id, result.work, before if before == result.work else _counted(files, dag_id, before))


def _counted(files: Files, dag_id: str, before: int) -> int:
    """The work of the last version as it is counted now: an upgrade that counts more makes no DAG grow."""
    last = last_good.version(dag_id, files.good[dag_id], files.kept.outcome, ()).pipeline
    return loader_work.of_pipeline(last) if last else before


def _file(result: PipelineResult) -> str:
    return result.pipeline.file if result.pipeline else ""


def _with(one: FileResult, instead: Mapping[str, PipelineResult]) -> FileResult:
    if not any(result.id in instead for result in one.results):
        return one
    return msgspec.structs.replace(one, results=tuple(instead.get(result.id, result) for result in one.results))
