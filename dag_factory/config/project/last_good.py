"""The last good version of a DAG whose file is broken: the DAG keeps running it, and says so.

A bad commit must neither silently remove a DAG nor break its runs. The last good version is known by the DAG's id. If a
file is deleted, or no longer claims the id, there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from dag_factory.config.file_results import FileResult, PipelineResult, unreadable
from dag_factory.config.ids import DagId, FileId
from dag_factory.config.problems import Problem, errors
from dag_factory.config.source.layout import Listing, file_of
from dag_factory.config.storage.cache import Cache
from dag_factory.config.storage.cache_entries import LastGood
from dag_factory.config.storage.read_file import Text

FindResult = Callable[[str], FileResult | None]
"""Finds a result by its cache key."""


def not_compiled(text: Text) -> FileResult:
    """The result of a file that is not compiled yet: it keeps the DAGs that it had."""
    return FileResult(text.id, text.file, (), readable=False)


def listing_problems(listing: Listing, cache: Cache) -> list[Problem]:
    """The problems of the listing. A project without pipelines is an error if it had pipelines before."""
    if listing.complete or not cache.last_good():
        return listing.problems
    return [
        msgspec.structs.replace(one, severity="error") if one.code == "no-pipelines" else one
        for one in listing.problems
    ]


def unreadable_results(listing: Listing, last_good: Mapping[DagId, LastGood]) -> Iterator[FileResult]:
    """The results of files in folders that cannot be read, for files with a known DAG."""
    for file_id in sorted({one.file for one in last_good.values()}):
        for prefix, problem in listing.unreadable.items():
            if file_id.startswith(prefix):
                yield unreadable(file_id, file_of(file_id), problem)


def is_broken(found: FileResult) -> bool:
    """Whether a DAG of the file may need its last good version."""
    return any(map(_is_broken, found.results)) or not (found.results or found.readable)


def _is_broken(result: PipelineResult) -> bool:
    return result.pipeline is None and bool(errors(result.problems))


def without_duplicate_ids(last_good: Mapping[DagId, LastGood], file_ids: Collection[FileId]) -> dict[DagId, LastGood]:
    """The last good versions without instances whose id now belongs to a file; ``file_ids`` are those of all files."""
    return {
        dag_id: one
        for dag_id, one in last_good.items()
        if (own_file := FileId(dag_id)) == one.file or own_file not in file_ids
    }


def fallbacks(found: FileResult, last_good: Mapping[DagId, LastGood]) -> dict[DagId, LastGood]:
    """The last good versions of the broken DAGs of a file, by id."""
    wanted = {result.id for result in found.results if _is_broken(result)}
    if not found.readable:  # it is not even known which DAGs it claims
        wanted |= {dag_id for dag_id, one in last_good.items() if one.file == found.id}
    return {
        dag_id: last_good[dag_id]
        for dag_id in sorted(wanted)
        if dag_id in last_good and last_good[dag_id].file == found.id
    }


def with_last_good(found: FileResult, last_good: Mapping[DagId, LastGood], find_result: FindResult) -> FileResult:
    """The result with the last good versions of its broken DAGs."""
    broken = [result for result in found.results if _is_broken(result)]
    wanted = {*(result.id for result in broken), *last_good}
    results = [result for result in found.results if not _is_broken(result)]
    for dag_id in sorted(wanted):
        about = [result for result in broken if result.id == dag_id or not found.readable]
        problems = tuple(problem for result in about for problem in result.problems)
        results.append(restore(dag_id, last_good.get(dag_id), find_result, problems))
    order = {result.id: index for index, result in enumerate(found.results)}
    results.sort(key=lambda result: (order.get(result.id, len(order)), result.id))
    return msgspec.structs.replace(found, results=tuple(results))


def restore(
    dag_id: DagId, last_good: LastGood | None, find_result: FindResult, problems: tuple[Problem, ...]
) -> PipelineResult:
    """The last good version of a DAG, with the ``problems`` of its new version; no pipeline if it is not cached."""
    found = find_result(last_good.name) if last_good else None
    for result in found.results if found else ():
        if result.id == dag_id and result.pipeline is not None:
            pipeline = msgspec.structs.replace(result.pipeline, current_errors=errors(problems))
            return PipelineResult(dag_id, pipeline, problems, result.work)
    return PipelineResult(dag_id, None, problems)


def find_defined(results: Sequence[FileResult]) -> Callable[[DagId, LastGood], bool]:
    """Return the test whether the project still defines the DAG of a last good version. A broken file defines it."""
    unreadable = {one.id for one in results if not one.readable}
    defined = {one.id for found in results for one in found.results if one.pipeline is not None or _is_broken(one)}
    return lambda dag_id, one: dag_id in defined or one.file in unreadable


def update_last_good(
    results: Sequence[FileResult],
    keys: Mapping[FileId, str],
    last_good: Mapping[DagId, LastGood],
    complete: bool = True,
    not_built: Collection[DagId] = (),
    leaving: Mapping[DagId, LastGood] = MappingProxyType({}),
) -> dict[DagId, LastGood]:
    """The new last good version of each DAG; ``keys`` has the cache keys of the results by the ids of their files.

    The DAGs in ``not_built`` get none from ``results``. Those in ``leaving`` keep their entry, see ``deleted``.

    A checkout removes a file before it writes the new one, so an entry is dropped only after its DAG is missing in two
    passes, and never if the listing is not ``complete``.
    """
    is_defined = find_defined(results)
    missing = {dag_id: one for dag_id, one in last_good.items() if not is_defined(dag_id, one)}
    if complete:
        gone = {dag_id: msgspec.structs.replace(one, gone=True) for dag_id, one in missing.items() if not one.gone}
        missing = {**gone, **leaving}
    updated: dict[DagId, LastGood] = missing
    for found in results:
        for dag_id, one in fallbacks(found, last_good).items():
            updated[dag_id] = LastGood(one.file, one.name, work=one.work)
        if key := keys.get(found.id):
            built = (one for one in found.results if one.pipeline is not None and one.id not in not_built)
            updated |= {one.id: LastGood(found.id, key, work=one.work) for one in built}
    return dict(sorted(updated.items()))


def only_dag(found: FileResult, dag_id: DagId) -> FileResult:
    """The result of one DAG of a file."""
    return msgspec.structs.replace(found, results=tuple(result for result in found.results if result.id == dag_id))
