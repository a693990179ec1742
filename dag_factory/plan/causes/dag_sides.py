"""One DAG on both sides, with the edits of its file and of the tables."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dag_factory.config.editor.layer_names import layer_name
from dag_factory.config.model import Job, Pipeline
from dag_factory.config.pipelines.compile_pipeline import ResolvedPipeline
from dag_factory.config.positions import KeyPath, Position
from dag_factory.plan.causes.edits import Edit, Edits
from dag_factory.plan.causes.sides import Sides
from dag_factory.plan.model import Cause


class DagSide(msgspec.Struct, frozen=True):
    """One DAG on one side: its model, and its tree after all layers are merged."""

    pipeline: Pipeline
    whole: ResolvedPipeline
    file: str


class DagSides(msgspec.Struct, frozen=True):
    """One DAG before and after; None on a side that does not have it."""

    sides: Sides
    before: DagSide | None
    after: DagSide | None

    @property
    def both(self) -> tuple[DagSide | None, DagSide | None]:
        """Both sides, numbered 0 and 1."""
        return self.before, self.after

    @property
    def files(self) -> tuple[str, str]:
        """The files of the pipeline."""
        some = self.after or self.before
        assert some
        return (self.before or some).file, (self.after or some).file

    def edits(self, file: str, side: int) -> Edits:
        """The edits of a file on one side."""
        return self.sides.edits(file, self.files)[side]

    def own(self, side: int) -> Edits:
        """The edits of the pipeline's own file."""
        return self.sides.own(self.files)[side]

    def table_edits(self) -> Iterator[tuple[str, Edit, int]]:
        """Yield every edit of the tables with its file and its side, those after the change first."""
        for side in (1, 0):
            for file, edits in self.sides.all_tables(side):
                yield from ((file, edit, side) for edit in edits.all)

    def job(self, side: int, name: str) -> Job | None:
        """The model of a job."""
        dag = self.both[side]
        return next((job for job in dag.pipeline.jobs if job.name == name), None) if dag else None

    def source_name(self, job: str) -> str:
        """The name of a job in the file."""
        for dag in (self.after, self.before):
            if dag and job in dag.whole.source_names:
                return dag.whole.source_names[job]
        return job

    def cause(self, edit: Edit, file: str, side: int) -> Cause:
        """An edit of a file on one side as a cause."""
        line, column = edit.position.line, edit.position.column
        layer = layer_name(Position(file, line, column), edit.path, self.files[side])
        return Cause(file, line, column, layer, "after" if side else "before")


def without_environment(path: KeyPath) -> KeyPath:
    """The path in a pipeline's file, without that of the values for an environment."""
    return path[2:] if path[:1] == ("environments",) else path
