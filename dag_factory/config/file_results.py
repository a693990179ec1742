"""The result of one pipeline file in one environment: the unit that is cached, and that shards divide.

``compile_file`` makes it. A process that finds everything in the cache does not import that module.
"""

from __future__ import annotations

import msgspec

from dag_factory.config.ids import DagId, FileId
from dag_factory.config.model import Pipeline
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem


class PipelineResult(msgspec.Struct, frozen=True):
    """A pipeline in one environment. Without a pipeline and without problems, it does not exist there.

    ``work`` is the work of its DAG for a loader, in units.
    """

    id: DagId
    pipeline: Pipeline | None
    problems: tuple[Problem, ...]
    work: int = 0


class AssetMention(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An asset that a file names, and the first position of it; without a URI of its own, the URI is the name."""

    name: str
    uri: str
    position: Position
    path: KeyPath


class FileResult(msgspec.Struct, frozen=True):
    """``results`` are those of the DAGs that the file ``id`` claims; ``instances`` has the positions of its instances.

    ``readable`` is false if not even the ids are known. ``assets`` are those of the pipelines that can be built.
    """

    id: FileId
    file: str
    results: tuple[PipelineResult, ...]
    instances: dict[str, Position] = {}
    readable: bool = True
    assets: tuple[AssetMention, ...] = ()


def unreadable(file_id: FileId, file: str, problem: Problem) -> FileResult:
    """The result of a file that cannot be read."""
    return FileResult(file_id, file, (PipelineResult(DagId(file_id), None, (problem,)),), readable=False)
