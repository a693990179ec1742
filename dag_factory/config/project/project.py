"""A project, the folder that holds ``configs/``, in one environment.

The platform's tables are read once, and only if something is not cached. Pipelines are read one by one, so that a
worker that runs one task reads one file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dag_factory.config import file_results
from dag_factory.config.budget import OutOfTime, within
from dag_factory.config.digest import digest
from dag_factory.config.file_results import FileResult
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.model import Pipeline
from dag_factory.config.problems import Problem, printable
from dag_factory.config.project import conflicts, deleted, last_good, loader_pass, pass_scheduler
from dag_factory.config.project.inspection import Inspection
from dag_factory.config.project.loader_pass import Compiled, Pass, ShardFiles
from dag_factory.config.project.shards import WHOLE, Shard
from dag_factory.config.project.unused_teams import check_unused_teams
from dag_factory.config.source.layout import PLATFORM, Listing, candidate_files, file_exists, id_of, list_files
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.storage import read_file
from dag_factory.config.storage.cache import Cache
from dag_factory.config.storage.cache_entries import LastGood, Reported, Summary
from dag_factory.config.storage.read_file import Text
from dag_factory.settings import BOUNDS

if TYPE_CHECKING:  # the compiler is a slow import; only a process that finds something uncached needs it
    from dag_factory.config.platform.tables import Tables

T = TypeVar("T")
_ATTEMPTS = 3  # if files change while they are read


@dataclass(frozen=True)
class Project:
    """A project in one environment, in the state in which its files are first read.

    ``name`` identifies the project in the cache; it is the same wherever a checkout of it is. Without ``has_cache``
    nothing is read from the cache or written to it.
    """

    platform: PlatformFiles
    environment: str
    name: str
    has_cache: bool = True

    @property
    def home(self) -> Path:
        """The folder that holds ``configs/``."""
        return self.platform.home

    @cached_property
    def tables(self) -> Tables:
        """The platform's tables."""
        from dag_factory.config.platform.read_tables import read_tables, with_image_folders
        from dag_factory.config.platform.tables import Tables

        try:
            return with_image_folders(read_tables(self.platform, self.environment), self.platform)
        except Exception as failure:  # any failure: no pipeline is built from it, each keeps its last good version
            known, problems = self.platform.environments, (_compiler_failed(PLATFORM, failure),)
            return Tables(self.environment, known, problems=problems, broken=True)

    def cache(self, shard: str = "") -> Cache:
        """The cache between processes; ``shard`` is the name of a loader's shard."""
        return Cache(self.name, self.environment, self.platform, shard, self.has_cache)

    def compile_all(self, shard: Shard = WHOLE, seconds: float | None = None) -> Compiled:
        """Every pipeline of the environment, or of one loader's shard.

        A DAG whose file is broken has its last good version, if that is cached. So does a DAG whose file is not cached
        and for which none of the ``seconds`` for compiling are left; see ``pass_scheduler``. Every pipeline is recorded
        as built.
        """
        current = self.begin_pass(shard, seconds)
        current.record()
        return current.compiled

    def begin_pass(
        self,
        shard: Shard = WHOLE,
        seconds: float | None = None,
        work: int | None = None,
        activity: deleted.FindActivity = deleted.no_runs,
    ) -> Pass:
        """As ``compile_all``, before anything is built. The caller records what it built.

        The DAGs have at most ``work`` units together, see ``loader_work``. ``activity`` tells whether a DAG that
        nothing defines any more has unfinished runs.
        """
        return self._with_stable_tables(lambda project: project._begin_pass(shard, seconds, work, activity))

    def problems(self, seconds: float | None = None) -> tuple[Problem, ...]:
        """Every problem, sorted by position: those of ``compile_all``, for callers that need nothing else."""
        return self.inspect(seconds).problems

    def inspect(self, seconds: float | None = None) -> Inspection:
        """The problems for the report. If a pass over the same files has cached them, no result is read."""
        return self._with_stable_tables(lambda project: project._inspect(seconds))

    def _with_stable_tables(self, work: Callable[[Project], T]) -> T:
        """The result of ``work``, repeated if the tables changed meanwhile.

        In the middle of a checkout, pipelines of one commit would be compiled with tables of another.
        """
        project = self
        for _ in range(_ATTEMPTS - 1):
            result = work(project)
            if not (project.cache().is_usable and project.platform.have_changed()):
                return result
            project = replace(project, platform=PlatformFiles(project.home))
        return work(project)

    def _begin_pass(
        self, shard: Shard, seconds: float | None, work: int | None, activity: deleted.FindActivity
    ) -> Pass:
        cache = self.cache(shard.name)
        listing = list_files(self.home)
        texts = [read_file.read(self.home, file_id) for file_id in listing.ids if shard.has(file_id)]
        collected = self._collect(texts, cache, seconds)
        files = self._shard_files(shard, cache, listing, collected)
        results, left_out = loader_pass.limit_work(
            files, [self._with_last_good(files, one) for one in files.results], work
        )
        postponed = {text.id for text in collected.postponed}
        pipelines = tuple(
            self.apply_current_rules(result.pipeline)
            if result.pipeline.current_errors or one.id in postponed
            else result.pipeline
            for one in results
            for result in one.results
            if result.pipeline
        )
        total_work = sum(result.work for one in results for result in one.results if result.pipeline)
        leaving = self._find_leaving(files, activity)
        ending = dict(deleted.within_work(leaving, None if work is None else work - total_work))
        pipelines += tuple(self.stop_deleted(one) for one in ending.values())
        total_work += sum(leaving[dag_id][0].work for dag_id in ending)
        about_listing = last_good.listing_problems(listing, cache)
        problems = self._all_problems(files.results, listing.ids, about_listing)
        if shard.count == 1 and not postponed:
            state = _state(texts, files.keys.values(), about_listing)
            cache.put_problems(Reported(state, problems, _broken_ids(files.results)))
        postponed_files = tuple(text.file for text in collected.postponed)
        summary = self.summary()
        compiled = Compiled(
            pipelines,
            problems,
            summary.pools,
            postponed_files,
            tuple(left_out.values()),
            total_work,
            summary.sends_alerts,
        )
        entries = {dag_id: entry for dag_id, (entry, _) in leaving.items()}
        return Pass(compiled, files, left_out, self.apply_current_rules, entries)

    def _find_leaving(
        self, files: ShardFiles, activity: deleted.FindActivity
    ) -> dict[DagId, tuple[LastGood, Pipeline | None]]:
        if not files.complete:
            return {}
        restore = partial(deleted.restore, find_result=files.cache.get)
        return deleted.find_leaving(files.last_good, files.results, restore, activity)

    def stop_deleted(self, pipeline: Pipeline) -> Pipeline:
        """The last good version of a deleted pipeline, whose jobs fail with the reason."""
        return deleted.stop(self.apply_current_rules(pipeline), file_exists(self.home, id_of(pipeline.file)))

    def _shard_files(
        self, shard: Shard, cache: Cache, listing: Listing, collected: pass_scheduler.Collected
    ) -> ShardFiles:
        file_ids = set(listing.ids)
        keys = {found.id: key for found, key in collected.results}
        results = conflicts.reject_duplicate_ids((one for one, _ in collected.results), file_ids)
        results += map(last_good.not_compiled, collected.postponed)
        known = {dag_id: one for dag_id, one in cache.last_good().items() if shard.has(one.file)}
        known = last_good.without_duplicate_ids(known, file_ids)
        results += last_good.unreadable_results(listing, known)
        return ShardFiles(shard, cache, results, keys, known, listing.complete)

    def _with_last_good(self, files: ShardFiles, found: FileResult) -> FileResult:
        """The result with the last good versions of its broken DAGs, which are recorded for workers."""
        if not last_good.is_broken(found):
            return found
        fallbacks = last_good.fallbacks(found, files.last_good)
        files.cache.put_fallbacks(files.keys.get(found.id, ""), fallbacks)
        return last_good.with_last_good(found, fallbacks, files.cache.get)

    def apply_current_rules(self, pipeline: Pipeline) -> Pipeline:
        """An old version of a pipeline under the current rules of the platform."""
        from dag_factory.config.project import current_rules

        return current_rules.apply_current_rules(pipeline, self.tables)

    def _inspect(self, seconds: float | None) -> Inspection:
        cache = self.cache()
        listing = list_files(self.home)
        about_listing = last_good.listing_problems(listing, cache)
        texts = [read_file.read(self.home, file_id) for file_id in listing.ids]
        keys = {text.id: cache.key(text) for text in texts}
        state = _state(texts, keys.values(), about_listing)
        reported = cache.problems(state)
        if reported is None:
            collected = self._collect(texts, cache, seconds)
            results = conflicts.reject_duplicate_ids((one for one, _ in collected.results), set(listing.ids))
            problems = self._all_problems(results, listing.ids, about_listing)
            reported = Reported(state, problems, _broken_ids(results))
            keys = {one.id: keys[one.id] for one in results}
            if not collected.postponed and all(key for _, key in collected.results):
                cache.put_problems(reported)
        return Inspection(self, cache, listing, keys, reported)

    def _collect(self, texts: list[Text], cache: Cache, seconds: float | None) -> pass_scheduler.Collected:
        find_cached, compile_text = partial(self._find_cached, cache), partial(self._compile, cache)
        return pass_scheduler.collect_results(texts, cache, find_cached, compile_text, seconds)

    def _all_problems(
        self, results: Sequence[FileResult], file_ids: Collection[FileId], about_listing: Iterable[Problem]
    ) -> tuple[Problem, ...]:
        summary = self.summary()
        return _sorted(results, (*summary.problems, *about_listing, *check_unused_teams(summary.teams, file_ids)))

    def compile_one(self, dag_id: DagId) -> Compiled:
        """One pipeline to run, by the id of its DAG; nothing if no file claims the id.

        Reads at most two files: the pipeline's own file, and the file of which it could be an instance.
        """
        cache = self.cache()
        for file_id in candidate_files(dag_id):
            if file_exists(self.home, file_id):
                found, key = self.file_result(read_file.read(self.home, file_id), cache, dag_id)
                if last_good.is_broken(found):
                    fallbacks = cache.fallbacks(key) or last_good.fallbacks(found, cache.last_good())
                    found = last_good.with_last_good(found, fallbacks, cache.get)
                else:
                    found = loader_pass.with_loader_version(found, key, cache, dag_id)
                if any(result.id == dag_id and deleted.is_defined(result) for result in found.results):
                    found = last_good.only_dag(found, dag_id)
                    pipelines = (result.pipeline for result in found.results if result.pipeline)
                    current = tuple(self.apply_current_rules(one) if one.current_errors else one for one in pipelines)
                    return Compiled(current, _sorted([found], ()), {})
        return self._compile_deleted(dag_id, cache)

    def _compile_deleted(self, dag_id: DagId, cache: Cache) -> Compiled:
        """The pipeline if nothing defines it any more, and the loader still builds it for its last runs."""
        last = cache.last_good().get(dag_id)
        found = deleted.restore(dag_id, last, cache.get) if last and last.deleted else None
        return Compiled((self.stop_deleted(found),) if found else (), (), {})

    def last_good_version(self, dag_id: DagId, problem: Problem) -> Pipeline | None:
        """The last good version of a DAG that cannot be built to run, if there is one."""
        cache = self.cache()
        for file_id in candidate_files(dag_id):
            if file_exists(self.home, file_id):
                key = cache.key(read_file.read(self.home, file_id))
                last = (cache.fallbacks(key) or cache.last_good()).get(dag_id)
                if last is None or last.name == key:
                    return None
                found = last_good.restore(dag_id, last, cache.get, (problem,)).pipeline
                return self.apply_current_rules(found) if found else None
        return None

    def file_result(self, text: Text, cache: Cache, dag_id: DagId | None = None) -> tuple[FileResult, str]:
        """The result of one file, and its cache key (empty: it is not cached).

        Of a file with instances, only ``dag_id`` is compiled if nothing is cached.
        """
        found, key = self._find_cached(cache, text)
        return (found, key) if found else self._compile(cache, text, key, dag_id=dag_id)

    def _find_cached(self, cache: Cache, text: Text) -> tuple[FileResult | None, str]:
        """The result if it needs no compilation, and its key."""
        if isinstance(text.data, Problem):
            return file_results.unreadable(text.id, text.file, text.data), ""
        key = cache.key(text)
        return cache.get(key), key

    def _compile(
        self, cache: Cache, text: Text, key: str, seconds: float = BOUNDS.file_seconds, dag_id: DagId | None = None
    ) -> tuple[FileResult, str]:
        """Compile a file. Raises ``OutOfTime`` after ``seconds``, if they are fewer than the maximum for a file."""
        from dag_factory.config.pipelines import compile_file

        tables = self.tables  # first: reading them does not count as the file's time
        try:
            arguments = (text.id, text.file, text.data, tables, dag_id)
            found = within(seconds, lambda: compile_file.compile_file(*arguments))
        except OutOfTime:
            if seconds < BOUNDS.file_seconds:
                raise
            # Never cached: this result depends on the machine more than on the file.
            cache.put_slow(key, stopped=True)
            return file_results.unreadable(text.id, text.file, too_slow(text.file, "compiled")), ""
        except Exception as failure:  # any failure affects only this file
            return file_results.unreadable(text.id, text.file, _compiler_failed(text.file, failure)), ""
        if dag_id is None:
            cache.put(key, found)
        return found, key

    def summary(self) -> Summary:
        """What a pass needs of the tables: the pools, and the problems of tables and templates."""
        cache = self.cache()
        found = cache.summary()
        if found is not None:
            return found
        from dag_factory.config.platform import teams

        of_templates = (problem for template in self.tables.catalog.own() for problem in template.problems)
        positions = teams.name_positions(self.tables.documents.get(teams.FILE))
        sends_alerts = self.tables.alerts_enabled and bool(self.tables.channels.known)
        summary = Summary(self.tables.pools, (*self.tables.problems, *of_templates), positions, sends_alerts)
        cache.put_summary(summary)
        return summary


def _compiler_failed(file: str, failure: Exception) -> Problem:
    """A bug in the compiler, triggered by something in the file."""
    message = printable(f"could not be compiled: {type(failure).__name__}: {failure}"[:300])
    hint = "report this bug of the compiler; undoing the last change to the file may avoid it"
    return Problem(file, 0, 0, "compiler-failed", message, hint=hint)


def too_slow(file: str, action: str) -> Problem:
    """The problem of a file whose processing was stopped; ``action`` is a past participle, such as ``compiled``."""
    message = f"was not {action} within {BOUNDS.file_seconds:g} seconds of processor time"
    hint = "split the file, and report it: a limit on its contents should have applied first"
    return Problem(file, 0, 0, "too-slow", message, hint=hint)


def _state(texts: Iterable[Text], keys: Iterable[str], about_listing: Iterable[Problem]) -> str:
    """A digest of everything that a project's problems depend on; empty if a file cannot be read."""
    readable = all(isinstance(text.data, bytes) for text in texts)
    parts = (*keys, *map(repr, about_listing))
    return digest(*(part.encode() for part in parts)) if readable else ""


def _broken_ids(results: Iterable[FileResult]) -> tuple[FileId, ...]:
    return tuple(one.id for one in results if last_good.is_broken(one))


def _sorted(results: Sequence[FileResult], others: Iterable[Problem]) -> tuple[Problem, ...]:
    """Every problem once, sorted by position."""
    return tuple(sorted(conflicts.find_problems(results).union(others)))
