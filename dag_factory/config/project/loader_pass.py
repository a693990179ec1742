"""One loader's pass over a project: the current meaning of its files, and the DAGs to build.

A pass compiles the files. Then its DAGs are built. Then it records what was built. So a version that Airflow rejects
never becomes the last good version.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from dag_factory.config import loader_work
from dag_factory.config.file_results import FileResult, PipelineResult
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem
from dag_factory.config.project import last_good, work_budget
from dag_factory.config.project.shards import Shard
from dag_factory.config.project.work_budget import Candidate
from dag_factory.config.storage.cache import Cache
from dag_factory.config.storage.cache_entries import LastGood

_NONE: Mapping[DagId, Problem] = MappingProxyType({})


class Compiled(msgspec.Struct, frozen=True):
    """The pipelines to build, in the order of their files, and every problem, sorted by position.

    The files in ``postponed`` are not compiled yet, for lack of time; they keep their old DAGs, listed last. The DAGs
    with a problem in ``left_out`` also keep their old version, because the loader has too much work.
    """

    pipelines: tuple[Pipeline, ...]
    problems: tuple[Problem, ...]
    pools: dict[str, int]
    postponed: tuple[str, ...] = ()
    left_out: tuple[Problem, ...] = ()
    work: int = 0  # of all pipelines, in units
    sends_alerts: bool = False  # in this environment


@dataclass(frozen=True)
class ShardFiles:
    """The results of a shard's files, and the last good version of each of its DAGs before this pass.

    ``keys`` has the cache keys of the results by the ids of their files; ``complete`` is as in ``Listing``.
    """

    shard: Shard
    cache: Cache
    results: Sequence[FileResult]
    keys: Mapping[FileId, str]
    last_good: Mapping[DagId, LastGood]
    complete: bool


@dataclass(frozen=True)
class Pass:
    """``compiled`` is what to build. ``apply_current_rules`` applies the current rules to an old version."""

    compiled: Compiled
    files: ShardFiles
    left_out: Mapping[DagId, Problem]
    apply_current_rules: Callable[[Pipeline], Pipeline]
    leaving: Mapping[DagId, LastGood] = field(default_factory=dict)  # deleted, but a run is not finished

    def last_good_versions(self, failed: Mapping[DagId, Problem]) -> list[Pipeline]:
        """The last good versions of DAGs that could not be built, where there are any; ``failed`` is by id."""
        files = self.files
        found = (
            last_good.restore(dag_id, one, files.cache.get, (failed[dag_id],))
            for dag_id, one in self._fallbacks(failed).items()
        )
        return [self.apply_current_rules(one.pipeline) for one in found if one.pipeline]

    def record(self, failed: Mapping[DagId, Problem] = _NONE) -> None:
        """Record what was built; ``failed`` has the problems of the DAGs that could not be built, by id."""
        files = self.files
        fallbacks = self._fallbacks(failed)
        for file_id, key in files.keys.items():
            of_file = {dag_id: one for dag_id, one in fallbacks.items() if one.file == file_id}
            if of_file:
                files.cache.put_fallbacks(key, of_file)
        waiting = {dag_id: files.last_good[dag_id] for dag_id in self.left_out if dag_id in files.last_good}
        self._record_waiting(waiting)
        old = fallbacks | {
            dag_id: msgspec.structs.replace(one, waiting=files.keys.get(one.file, ""))
            for dag_id, one in waiting.items()
        }
        not_built = {*failed, *self.left_out}
        new = last_good.update_last_good(
            files.results, files.keys, files.last_good, files.complete, not_built, self.leaving
        )
        files.cache.put_last_good(dict(sorted({**new, **old}.items())), files.shard.has)

    def _record_waiting(self, waiting: Mapping[DagId, LastGood]) -> None:
        """Record for workers which DAGs keep their previous version, and which no longer do."""
        files = self.files
        for stale in {one.waiting for one in files.last_good.values() if one.waiting} - set(files.keys.values()):
            files.cache.put_waiting(stale, {})
        by_file: dict[FileId, dict[DagId, LastGood]] = {one.file: {} for one in files.last_good.values() if one.waiting}
        for dag_id, one in waiting.items():
            by_file.setdefault(one.file, {})[dag_id] = one
        for file_id, of_file in by_file.items():
            if key := files.keys.get(file_id):
                files.cache.put_waiting(key, of_file)

    def built_keys(self, failed: Collection[DagId]) -> tuple[str, ...]:
        """The cache keys of the results of which every DAG was built, sorted."""
        not_built = {*failed, *self.left_out}
        keyed = ((self.files.keys.get(one.id), one) for one in self.files.results)
        return tuple(sorted(key for key, one in keyed if key and not_built.isdisjoint(buildable_ids(one))))

    def failures_by_key(self, failed: Mapping[DagId, Problem]) -> dict[str, dict[DagId, Problem]]:
        """The problems of DAGs that could not be built, by the cache keys of their results."""
        found: dict[str, dict[DagId, Problem]] = {}
        for one in self.files.results:
            of_file = {dag_id: failed[dag_id] for dag_id in buildable_ids(one) if dag_id in failed}
            if of_file and (key := self.files.keys.get(one.id)):
                found[key] = of_file
        return found

    def _fallbacks(self, failed: Mapping[DagId, Problem]) -> dict[DagId, LastGood]:
        known = self.files.last_good
        keys = {result.id: self.files.keys.get(one.id, "") for one in self.files.results for result in one.results}
        return {
            dag_id: known[dag_id]
            for dag_id in failed
            if dag_id in known and dag_id not in self.leaving and known[dag_id].name != keys.get(dag_id)
        }


def buildable_ids(found: FileResult) -> list[DagId]:
    """The DAGs of a result that can be built without an older version."""
    return [result.id for result in found.results if result.pipeline is not None]


def limit_work(
    files: ShardFiles, results: Sequence[FileResult], budget: int | None
) -> tuple[list[FileResult], dict[DagId, Problem]]:
    """The results without new work that exceeds the loader's ``budget``, and a problem for each DAG left out."""
    by_id = {result.id: result for one in results for result in one.results if result.pipeline}
    if budget is None or sum(result.work for result in by_id.values()) <= budget:
        return list(results), {}
    candidates = list(_candidates(files, by_id))
    problems: dict[DagId, Problem] = {}
    replacements: dict[DagId, PipelineResult] = {}
    for one in work_budget.choose_left_out(candidates, budget):
        problem = work_budget.over_budget_problem(_file(by_id[one.id]), one, budget)
        previous = PipelineResult(one.id, None, ())
        if one.before is not None:
            previous = last_good.restore(one.id, files.last_good[one.id], files.cache.get, (problem,))
            if previous.pipeline is None:  # the previous version is not cached: build the new one
                continue
        problems[one.id] = problem
        replacements[one.id] = msgspec.structs.replace(previous, problems=(*by_id[one.id].problems, problem))
    return [_replace(one, replacements) for one in results], problems


def with_loader_version(found: FileResult, key: str, cache: Cache, dag_id: DagId) -> FileResult:
    """The result with the version of a DAG that the loader uses, if a larger version waits for its work budget."""
    last = cache.waiting(key).get(dag_id)
    if last is None:
        return found
    previous = last_good.restore(dag_id, last, cache.get, (work_budget.waiting_problem(found.file, dag_id),))
    return _replace(found, {dag_id: previous}) if previous.pipeline else found


def _candidates(files: ShardFiles, results: Mapping[DagId, PipelineResult]) -> Iterator[Candidate]:
    """The DAGs of a pass with their work in the previous pass."""
    for dag_id, result in results.items():
        last = files.last_good.get(dag_id)
        if last is None:
            yield Candidate(dag_id, result.work, None)
        else:  # a list from an older version of dagwright has no work
            before = last.work or result.work
            unchanged = before == result.work
            yield Candidate(dag_id, result.work, before if unchanged else _current_work(files, dag_id, before))


def _current_work(files: ShardFiles, dag_id: DagId, before: int) -> int:
    """The work of the previous version by the current rules: an upgrade that counts more must not grow a DAG."""
    last = last_good.restore(dag_id, files.last_good[dag_id], files.cache.get, ()).pipeline
    return loader_work.of_pipeline(last) if last else before


def _file(result: PipelineResult) -> str:
    return result.pipeline.file if result.pipeline else ""


def _replace(found: FileResult, replacements: Mapping[DagId, PipelineResult]) -> FileResult:
    if not any(result.id in replacements for result in found.results):
        return found
    results = tuple(replacements.get(result.id, result) for result in found.results)
    return msgspec.structs.replace(found, results=results)
