"""What created, removed or renamed a whole DAG: its file, its environment, ``only:`` or an instance."""

from __future__ import annotations

from dag_factory.config.ids import DagId
from dag_factory.config.pipelines import compile_file
from dag_factory.config.pipelines.environment_overlay import exists_in
from dag_factory.config.positions import Position
from dag_factory.config.source.layout import ENVIRONMENTS, id_of
from dag_factory.config.templates.instances import instance_positions
from dag_factory.config.tree import MapNode
from dag_factory.plan.causes.sides import Side, Sides
from dag_factory.plan.model import Cause, DagChange

WHOLE = {"added": 1, "renamed": 1, "removed": 0}
"""The side that has the DAG, by the kind of its change."""


def find_dag_cause(sides: Sides, change: DagChange) -> Cause | None:
    """The cause of a DAG that only one side has. A cause without a line is a whole file that was added or removed."""
    side = WHOLE[change.kind]
    own, other = (sides.after, sides.before) if side else (sides.before, sides.after)
    if own.project is None:
        return None
    if other.project is None:
        environment = own.project.environment
        return _cause(Position(f"{ENVIRONMENTS}/{environment}.yaml"), f"environment {environment}", side)
    if other.bytes(change.file) is None:
        return _cause(Position(change.file), "pipeline", side)
    documents = _document(sides.before, change.file), _document(sides.after, change.file)
    document, other_document = documents[side], documents[1 - side]
    if document is None or other_document is None:
        return None
    if not exists_in(other_document, other.project.environment):
        return _of_key("only", documents)
    return _of_instance(change.id, documents, side) or _of_key("instances", documents)


def _of_key(key: str, documents: tuple[MapNode | None, MapNode | None]) -> Cause | None:
    """A key at the top of the file, after the change if it is still there."""
    for side in (1, 0):
        document = documents[side]
        if document and key in document.keys:
            return _cause(document.keys[key], "pipeline", side)
    return None


def _of_instance(dag_id: DagId, documents: tuple[MapNode | None, MapNode | None], side: int) -> Cause | None:
    document, other = documents[side], documents[1 - side]
    assert document and other
    name = dag_id.removeprefix(f"{id_of(document.position.file)}.")
    position = instance_positions(document).get(name)
    return _cause(position, f"instance {name}", side) if position and instance_positions(other) else None


def _document(side: Side, file: str) -> MapNode | None:
    data = side.bytes(file)
    return None if data is None else compile_file.read_source(id_of(file), file, data).node


def _cause(position: Position, layer: str, side: int) -> Cause:
    return Cause(position.file, position.line, position.column, layer, "after" if side else "before")
