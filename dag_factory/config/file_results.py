"""What came of one pipeline file in one environment: the unit in which compiling is kept and shared out.

What makes one is in ``compiling``, which a process that finds everything kept never imports.
"""

from __future__ import annotations

import msgspec

from dag_factory.config.model import Pipeline
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem


class PipelineResult(msgspec.Struct, frozen=True):
    """A pipeline in one environment. No pipeline and no problems: it does not exist there.

    ``work`` is what its DAG costs a loader, in units.
    """

    id: str
    pipeline: Pipeline | None
    problems: tuple[Problem, ...]
    work: int = 0


class AssetMention(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An asset as a file names it, and the first place where it does; the URI is the name where it has no other."""

    name: str
    uri: str
    position: Position
    path: KeyPath


class FileResult(msgspec.Struct, frozen=True):
    """``results`` are of the DAGs that the file ``id`` claims; ``instances`` says where those of a family stand.

    ``readable`` is false where not even the ids are known. ``assets`` are named by the pipelines that can be built.
    """

    id: str
    file: str
    results: tuple[PipelineResult, ...]
    instances: dict[str, Position] = {}
    readable: bool = True
    assets: tuple[AssetMention, ...] = ()


def unreadable(file_id: str, file: str, problem: Problem) -> FileResult:
    """The outcome of a file that cannot be read."""
    return FileResult(file_id, file, (PipelineResult(file_id, None, (problem,)),), readable=False)
