"""Problems between files: two files that claim the same DAG, and two that use one name for different assets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from dag_factory.config.file_results import AssetMention, FileResult, PipelineResult
from dag_factory.config.ids import FileId
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.source.layout import DAG_ID_LENGTH
from dag_factory.settings import BOUNDS


def find_problems(results: Sequence[FileResult]) -> set[Problem]:
    """The problems of the files of one environment, in each file and between files; ``results`` in file order."""
    return {
        *(problem for one in results for result in one.results for problem in result.problems),
        *_asset_conflicts(results),
    }


def reject_duplicate_ids(results: Iterable[FileResult], file_ids: Collection[FileId]) -> list[FileResult]:
    """The results without instances that claim the id of another file, which get a problem; the file keeps the id."""
    return [_reject_duplicate_ids(one, file_ids) if one.instances else one for one in results]


def _reject_duplicate_ids(found: FileResult, file_ids: Collection[FileId]) -> FileResult:
    results = list(found.results)
    for index, result in enumerate(results):
        name = result.id.rpartition(".")[2]
        position, path = found.instances.get(name, Position(found.file)), ("instances", name)
        if FileId(result.id) in file_ids:
            message = f"the instance `{name}` has the DAG id `{result.id}`, which belongs to another file"
            problem = Problem.at(position, path, "duplicate-id", message, "rename one of the two")
        elif len(result.id) > DAG_ID_LENGTH:
            message = f"the DAG id has {len(result.id)} characters, more than Airflow's limit of {DAG_ID_LENGTH}"
            problem = Problem.at(position, path, "bad-name", message, "shorten the name of the instance or the file")
        else:
            continue
        results[index] = PipelineResult(result.id, None, (problem,))
    return msgspec.structs.replace(found, results=tuple(results))


def _asset_conflicts(results: Iterable[FileResult]) -> Iterator[Problem]:
    """Yield a warning for each asset that a file names differently from an earlier file.

    Airflow keeps one URI for a name and one name for a URI. If two assets disagree, it leaves one inactive, and the
    tasks that read or write that one fail.
    """
    names: dict[str, AssetMention] = {}
    uris: dict[str, AssetMention] = {}
    for one in results:
        yield from islice(_file_conflicts(one, names, uris), BOUNDS.problems_per_file)


def _file_conflicts(
    found: FileResult, names: dict[str, AssetMention], uris: dict[str, AssetMention]
) -> Iterator[Problem]:
    for asset in found.assets:
        first = names.setdefault(asset.name, asset)
        if first.uri != asset.uri:
            there = f"`{first.uri}` in {first.position.location}"
            message = f"the asset `{asset.name}` has the URI `{asset.uri}` here, but {there}"
            yield _conflict(asset, message, first)
            continue
        first = uris.setdefault(asset.uri, asset)
        if first.name != asset.name:
            there = f"`{first.name}` in {first.position.location}"
            message = f"the URI `{asset.uri}` is the asset `{asset.name}` here, but {there}"
            yield _conflict(asset, message, first)


def _conflict(asset: AssetMention, message: str, first: AssetMention) -> Problem:
    yaml = first.name if first.uri == first.name else f"{{name: {first.name}, uri: {first.uri}}}"
    hint = f"write `{yaml}` in both, or choose another name: Airflow sees two assets and can update only one of them"
    return Problem.at(asset.position, asset.path, "asset-conflict", message, hint, severity="warning")
