"""A pipeline file that is read and validated, the same for every environment."""

from __future__ import annotations

import msgspec

from dag_factory.config.ids import DagId, FileId
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.templates import instances
from dag_factory.config.tree import MapNode, is_set


class PipelineSource(msgspec.Struct, frozen=True):
    """The tree of a file without the values that have errors (None: nothing in it can be used), and its problems."""

    id: FileId
    file: str
    node: MapNode | None
    problems: tuple[Problem, ...]

    @property
    def ids(self) -> dict[DagId, str | None]:
        """The DAG ids that the file claims, each with the name of its instance."""
        if not self.node or not is_set(self.node.get("instances")):
            return {DagId(self.id): None}
        return {DagId(f"{self.id}.{name}"): name for name in self.instances}

    @property
    def instances(self) -> dict[str, Position]:
        """The positions of the instances by name; empty for a file with a single pipeline."""
        return instances.instance_positions(self.node) if self.node else {}

    @property
    def team(self) -> str:
        """The first folder below ``pipelines/``; empty for a file directly in it."""
        return self.id.split(".")[0] if "." in self.id else ""
