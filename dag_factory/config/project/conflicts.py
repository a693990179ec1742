"""What no file can see alone: two that claim the same DAG, and two that mean different assets by one name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from dag_factory.config.outcomes import AssetMention, FileResult, PipelineResult
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.source.layout import DAG_ID_LENGTH
from dag_factory.settings import BOUNDS


def problems(found: Sequence[FileResult]) -> set[Problem]:
    """What is wrong with the files of one environment, each by itself and beside the others; in the order of files."""
    return {*(problem for one in found for result in one.results for problem in result.problems), *_assets(found)}


def without_clashes(outcomes: Iterable[FileResult], ids: Collection[str]) -> list[FileResult]:
    """The outcomes, without instances that claim the id of another file, which are told; the file keeps the id."""
    return [_without_clashes(one, ids) if one.instances else one for one in outcomes]


def _without_clashes(found: FileResult, ids: Collection[str]) -> FileResult:
    results = list(found.results)
    for index, result in enumerate(results):
        name = result.id.rpartition(".")[2]
        position, path = found.instances.get(name, Position(found.file)), ("instances", name)
        if result.id in ids:
            message = f"the instance `{name}` would be the DAG `{result.id}`, which is a file of its own"
            problem = Problem.at(position, path, "duplicate-id", message, "rename one of the two")
        elif len(result.id) > DAG_ID_LENGTH:
            message = f"the DAG's id would have {len(result.id)} characters, more than Airflow's {DAG_ID_LENGTH}"
            problem = Problem.at(position, path, "bad-name", message, "shorten the name of the instance or the file")
        else:
            continue
        results[index] = PipelineResult(result.id, None, (problem,))
    return msgspec.structs.replace(found, results=tuple(results))


def _assets(found: Iterable[FileResult]) -> Iterator[Problem]:
    """A warning for each asset that a file names otherwise than one before it.

    Airflow keeps one URI for a name and one name for a URI. Of two that disagree it leaves one inactive, and the tasks
    that read or write that one fail.
    """
    names: dict[str, AssetMention] = {}
    uris: dict[str, AssetMention] = {}
    for one in found:
        yield from islice(_disagreements(one, names, uris), BOUNDS.problems_per_file)


def _disagreements(one: FileResult, names: dict[str, AssetMention], uris: dict[str, AssetMention]) -> Iterator[Problem]:
    for said in one.assets:
        first = names.setdefault(said.name, said)
        if first.uri != said.uri:
            message = (
                f"the asset `{said.name}` has the URI `{said.uri}` here, and `{first.uri}` in {first.position.place}"
            )
            yield _warning(said, message, first)
            continue
        first = uris.setdefault(said.uri, said)
        if first.name != said.name:
            message = (
                f"the URI `{said.uri}` is the asset `{said.name}` here, and `{first.name}` in {first.position.place}"
            )
            yield _warning(said, message, first)


def _warning(said: AssetMention, message: str, first: AssetMention) -> Problem:
    written = first.name if first.uri == first.name else f"{{name: {first.name}, uri: {first.uri}}}"
    hint = f"write `{written}` in both, or choose another name: Airflow takes them for two, and only one can be updated"
    return Problem.at(said.position, said.path, "asset-conflict", message, hint, severity="warning")
