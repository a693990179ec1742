"""The last good model of a DAG whose file broke: it runs on as it was, and says so.

A commit that breaks a pipeline must neither unschedule it quietly nor strand its runs. What was good is
known by the DAG's id; a file that is deleted, or does not claim the id any more, has no last good.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Mapping as MappingT

import msgspec

from dag_factory.config.outcomes import FileResult, PipelineResult, unreadable
from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.cache import Cache, Good
from dag_factory.config.project.read_file import Text
from dag_factory.config.source.layout import Listing, file_of


def unknown(text: Text) -> FileResult:
    """The outcome of a file that is not compiled yet: its DAGs are those that it had."""
    return FileResult(text.id, text.file, (), readable=False)


def reported(listing: Listing, kept: Cache) -> list[Problem]:
    """What is wrong with the listing. That there are no pipelines is a fault where there were some."""
    if listing.complete or not kept.last_good():
        return listing.problems
    return [
        msgspec.structs.replace(one, severity="error") if one.code == "no-pipelines" else one
        for one in listing.problems
    ]


def unread(listing: Listing, good: MappingT[str, Good]) -> Iterator[FileResult]:
    """The outcomes of files in folders that cannot be looked into: those of which a DAG is known."""
    for file_id in sorted({one.file for one in good.values()}):
        for start, problem in listing.unread.items():
            if file_id.startswith(start):
                yield unreadable(file_id, file_of(file_id), problem)


def is_broken(found: FileResult) -> bool:
    """Whether a DAG of the file may have to be taken from before."""
    return any(map(_is_broken, found.results)) or not (found.results or found.readable)


def _is_broken(result: PipelineResult) -> bool:
    return result.pipeline is None and bool(errors(result.problems))


def without_clashes(good: MappingT[str, Good], ids: Collection[str]) -> dict[str, Good]:
    """What was good, without instances whose id is by now that of a file: ``ids`` are those of all files."""
    return {dag_id: one for dag_id, one in good.items() if dag_id == one.file or dag_id not in ids}


def fallbacks(found: FileResult, good: MappingT[str, Good]) -> dict[str, Good]:
    """What stands in for the broken DAGs of a file, by their ids."""
    wanted = {result.id for result in found.results if _is_broken(result)}
    if not found.readable:  # it does not even say which DAGs it claims
        wanted |= {dag_id for dag_id, one in good.items() if one.file == found.id}
    return {dag_id: good[dag_id] for dag_id in sorted(wanted) if dag_id in good and good[dag_id].file == found.id}


def with_last_good(
    found: FileResult, good: MappingT[str, Good], kept: Callable[[str], FileResult | None]
) -> FileResult:
    """The outcome, its broken DAGs as they last were; ``kept`` finds an outcome by its name."""
    broken = [result for result in found.results if _is_broken(result)]
    wanted = {*(result.id for result in broken), *good}
    results = [result for result in found.results if not _is_broken(result)]
    for dag_id in sorted(wanted):
        about = [result for result in broken if result.id == dag_id or not found.readable]
        problems = tuple(problem for result in about for problem in result.problems)
        results.append(version(dag_id, good.get(dag_id), kept, problems))
    order = {result.id: index for index, result in enumerate(found.results)}
    results.sort(key=lambda result: (order.get(result.id, len(order)), result.id))
    return msgspec.structs.replace(found, results=tuple(results))


def version(
    dag_id: str, good: Good | None, kept: Callable[[str], FileResult | None], problems: tuple[Problem, ...]
) -> PipelineResult:
    """The last good version of a DAG, with the ``problems`` for which it runs; no pipeline where it is lost."""
    outcome = kept(good.name) if good else None
    for result in outcome.results if outcome else ():
        if result.id == dag_id and result.pipeline is not None:
            return PipelineResult(
                dag_id, msgspec.structs.replace(result.pipeline, held=errors(problems)), problems, result.work
            )
    return PipelineResult(dag_id, None, problems)


def renewed(
    found: Sequence[FileResult],
    names: MappingT[str, str],
    good: MappingT[str, Good],
    complete: bool = True,
    not_built: Collection[str] = (),
) -> dict[str, Good]:
    """Each DAG's last good from now on; ``names`` are the outcomes' by the ids of their files.

    The DAGs that are ``not_built`` have none.

    A checkout takes a file away before it writes it anew, so that is forgotten which is missing in two passes;
    where they are not ``complete``, nothing is.
    """
    there = {one.id for one in found}
    missing = {dag_id: one for dag_id, one in good.items() if one.file not in there}
    if complete:
        missing = {dag_id: msgspec.structs.replace(one, gone=True) for dag_id, one in missing.items() if not one.gone}
    result: dict[str, Good] = missing
    for one in found:
        result |= {dag_id: Good(each.file, each.name, work=each.work) for dag_id, each in fallbacks(one, good).items()}
        if name := names.get(one.id):
            built = (each for each in one.results if each.pipeline is not None and each.id not in not_built)
            result |= {each.id: Good(one.id, name, work=each.work) for each in built}
    return dict(sorted(result.items()))


def only(found: FileResult, dag_id: str) -> FileResult:
    """The outcome of one DAG of a file."""
    return msgspec.structs.replace(found, results=tuple(result for result in found.results if result.id == dag_id))
