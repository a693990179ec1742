"""The origin of each value of a resolved pipeline, by the position that the compiler keeps: chains must end there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dag_factory.config import budget
from dag_factory.config.editor.layer_names import layer_name
from dag_factory.config.ids import DagId
from dag_factory.config.pipelines import compile_file
from dag_factory.config.pipelines.compile_pipeline import ResolvedPipeline, resolve_pipeline
from dag_factory.config.pipelines.pipeline_source import PipelineSource
from dag_factory.config.positions import KeyPath, Position, dotted
from dag_factory.config.problems import Problem
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import candidate_files, file_exists
from dag_factory.config.source.relocate import Paths, paths
from dag_factory.config.storage import read_file
from dag_factory.config.tree import MapNode, Node, Scalar, to_python


class Origin(msgspec.Struct, frozen=True):
    """One value and its origin.

    ``path`` is its path in the resolved pipeline. ``layer`` is for example ``flavor gpu-a100``, ``pipeline defaults``,
    ``job train``, ``environment prod`` or ``template python@v1``. ``line`` and ``column`` are 0 if no file sets the
    value. ``caller`` is the position that calls the template.
    """

    path: str
    value: Any
    layer: str
    file: str
    line: int
    column: int
    caller: Position | None = None


def origins(project: Project, dag_id: DagId) -> tuple[Origin, ...]:
    """Every single value of a pipeline with its origin, in the order of the resolved text.

    Empty if the pipeline does not exist in the project's environment, or has errors.
    """
    for file_id in candidate_files(dag_id):
        if file_exists(project.home, file_id):
            _, file, data = read_file.read(project.home, file_id)
            source = None if isinstance(data, Problem) else compile_file.read_source(file_id, file, data)
            if source and source.node and dag_id in source.ids:
                budget.reset()
                whole = resolve_pipeline(source, project.tables, dag_id)[1]
                return tuple(_origins(source, whole)) if whole else ()
    return ()


def _origins(source: PipelineSource, whole: ResolvedPipeline) -> Iterator[Origin]:
    known: dict[str, Paths] = {}
    for path, node in _values(whole.tree, ()):
        position = node.position
        if position.file not in known:
            document = whole.documents.get(position.file)
            known[position.file] = paths(document) if document else {}
        here = known[position.file].get((position.line, position.column), [])
        job = whole.source_names.get(str(path[1])) if path[0] == "jobs" else None
        layer = layer_name(position, _choose(here, path, job), source.file)
        yield Origin(
            dotted(path), to_python(node), layer, position.file, position.line, position.column, position.caller
        )


def _values(node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, Node]]:
    """Yield every single value, and every empty map and list."""
    if isinstance(node, Scalar):
        yield path, node
        return
    inner = node.entries.items() if isinstance(node, MapNode) else enumerate(node.items)
    for step, item in inner:
        yield from _values(item, (*path, step))
    if path and not (node.entries if isinstance(node, MapNode) else node.items):
        yield path, node


def _choose(here: list[KeyPath], path: KeyPath, job: str | None) -> KeyPath:
    """Of the paths at a position (several for an alias), the one that led to ``path``."""
    if job is None:
        return next((found for found in here if found == path), here[0] if here else ())
    own = [found for found in here if found[:2] == ("jobs", job)]
    general = [found for found in here if found[:1] != ("jobs",)]
    return next(iter([*own, *general, *here]), ())
