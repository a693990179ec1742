"""The causes of all changes.

To resolve a DAG is as slow as to compile it. If the file of a pipeline is the same on both sides, the cause is in the
tables, and every job that uses the same layers of them has the same one. So one job of each such group is resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from dag_factory.config.model import Job, Pipeline
from dag_factory.config.platform import presets, retries
from dag_factory.config.source.layout import PIPELINES
from dag_factory.plan.causes.find_cause import DagSide, DagSides, find_cause, find_job_cause
from dag_factory.plan.causes.sides import Side, Sides
from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import Cause, Comparison, DagChange, FieldChange

_ENCODER = msgspec.msgpack.Encoder(order="deterministic", enc_hook=lambda value: type(value).__name__)
_NAMING = re.compile(rb"presets|uses|template|retries|vars\.")
"""What a file has if it may use a preset, a template, a retry rule or a variable of the environment."""


def locate(
    changes: Sequence[DagChange], comparisons: Sequence[Comparison], sides: Mapping[str, Sides]
) -> list[LocatedChange]:
    """The changes with the causes of their fields. ``changes`` and ``comparisons`` belong together, one by one."""
    locators = {environment: _Locator(some) for environment, some in sides.items()}
    return [
        LocatedChange(change, comparison, dict(locators[change.environment].causes(change, comparison)))
        for change, comparison in zip(changes, comparisons, strict=True)
    ]


class _Locator:
    """Finds causes in one environment."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._known: dict[bytes, Cause | None] = {}

    def causes(self, change: DagChange, comparison: Comparison) -> Iterator[tuple[tuple[str, str], Cause]]:
        if change.kind in ("added", "removed", "broken", "repaired", "documentation"):
            return
        dag = _Dag(self._sides, comparison)
        for field in change.fields:
            if cause := self._cause(dag, "", field):
                yield ("", field.path), cause
        for job in change.jobs:
            for field in job.fields:
                if cause := self._cause(dag, job.job, field):
                    yield (job.job, field.path), cause
            resolved = dag.resolve() if job.kind != "changed" else None
            if resolved and (cause := find_job_cause(resolved, job.job, 1 if job.kind == "added" else 0)):
                yield (job.job, ""), cause

    def _cause(self, dag: _Dag, job: str, field: FieldChange) -> Cause | None:
        key = self._group(dag, job, field)
        if key not in self._known:
            resolved = dag.resolve()
            self._known[key] = find_cause(resolved, job, field.path) if resolved else None
        return self._known[key]

    def _group(self, dag: _Dag, job: str, field: FieldChange) -> bytes:
        """The key of all fields with the same cause."""
        alone = ["", ""] if self._has_shared_causes(dag) else [dag.comparison.id, job]
        flavors = [_flavors(pipeline, job) for pipeline in (dag.comparison.before, dag.comparison.after)]
        values = (field.path, field.before, field.after)
        return _ENCODER.encode((alone, bool(job), dag.folder, flavors, values))

    def _has_shared_causes(self, dag: _Dag) -> bool:
        """Whether the layers of a job, apart from its flavor and its team, do not decide which edit is the cause."""
        if not dag.is_same_file() or self._sides.are_environments():
            return False
        return self._named_edits < 2 or not _NAMING.search(dag.data() or b"")

    @cached_property
    def _named_edits(self) -> int:
        """How many layers that a job uses by their name have edits. Environments and teams may use them, too."""
        return _count_named(self._sides)


def _count_named(sides: Sides) -> int:
    places = set(sides.edited_templates)
    count = len(places)
    for file, edits in sides.tables.items():
        for side in edits:
            names = {edit.path[:2] for edit in side.all}
            if file in (presets.FILE, retries.FILE):
                places |= {f"{file} {name}" for name in names}
            else:
                places |= {f"{file} {name}" for name in names if name[:1] == ("vars",)}
                uses = [edit for edit in side.all if {"presets", "uses", "with"} & {str(step) for step in edit.path}]
                count += 2 * bool(uses)
    return max(count, len(places))


def _flavors(pipeline: Pipeline | None, job: str) -> list[str]:
    found: Job | None = next((one for one in pipeline.jobs if one.name == job), None) if pipeline and job else None
    return [found.flavor.name, *(one.flavor.name for one in found.larger_flavors)] if found else []


class _Dag:
    """One comparison, resolved when it is needed."""

    def __init__(self, sides: Sides, comparison: Comparison) -> None:
        self._sides, self.comparison = sides, comparison
        self._resolved: DagSides | None = None
        self._is_same: bool | None = None

    @property
    def folder(self) -> str:
        """The folder of the file, which decides the team."""
        return self.comparison.file.removeprefix(f"{PIPELINES}/").rpartition("/")[0]

    @property
    def files(self) -> tuple[str, str]:
        """The files before and after."""
        before, after = self.comparison.before, self.comparison.after
        return before.file if before else self.comparison.file, after.file if after else self.comparison.file

    def data(self) -> bytes | None:
        """The bytes of the file after the change."""
        return self._sides.after.bytes(self.files[1])

    def is_same_file(self) -> bool:
        """Whether the file is the same on both sides."""
        if self._is_same is None:
            files = self.files
            data = self.data()
            self._is_same = files[0] == files[1] and data is not None and self._sides.before.bytes(files[0]) == data
        return self._is_same

    def resolve(self) -> DagSides | None:
        """Both sides resolved; None if one of them cannot be."""
        if self._resolved is None:
            one = self.comparison
            before = self._side(self._sides.before, one.before, self.files[0])
            after = self._side(self._sides.after, one.after, self.files[1])
            if before is None and after is None:
                return None
            self._resolved = DagSides(self._sides, before, after)
        return self._resolved

    def _side(self, side: Side, pipeline: Pipeline | None, file: str) -> DagSide | None:
        whole = side.resolve(pipeline.id, file) if pipeline else None
        return DagSide(pipeline, whole, file) if pipeline and whole else None
