"""The causes of all changes.

To resolve a DAG is as slow as to compile it. If the file of a pipeline is the same on both sides, the cause is in the
tables, and every job that uses the same layers of them has the same one. So one job of each such group is resolved.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

import msgspec

from dag_factory.config.model import Job, Pipeline
from dag_factory.config.platform import presets, retries
from dag_factory.config.source.layout import PIPELINES
from dag_factory.plan.causes.dag_cause import WHOLE, find_dag_cause
from dag_factory.plan.causes.dag_sides import DagSide, DagSides
from dag_factory.plan.causes.find_cause import find_cause, find_job_cause
from dag_factory.plan.causes.sides import Side, Sides
from dag_factory.plan.located import LocatedChange
from dag_factory.plan.model import Cause, Comparison, DagChange, FieldChange, JobChange

_ENCODER = msgspec.msgpack.Encoder(order="deterministic", enc_hook=lambda value: type(value).__name__)
_CALL = re.compile(rb"uses|template")
"""What a file has if it may call a template, which may name presets."""


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
        if change.kind in WHOLE and (whole := find_dag_cause(self._sides, change)):
            yield ("", ""), whole
        if change.kind in ("added", "removed", "broken", "repaired", "documentation"):
            return
        dag = _Dag(self._sides, comparison)
        for field in change.fields:
            if cause := self._cause(dag, "", field):
                yield ("", field.path), cause
        for job in change.jobs:
            if job.kind != "changed":
                cause = self._job_cause(dag, job)
                yield from (((job.job, path), cause) for path in ("", *(one.path for one in job.fields)) if cause)
                continue
            for field in job.fields:
                if cause := self._cause(dag, job.job, field):
                    yield (job.job, field.path), cause

    def _job_cause(self, dag: _Dag, job: JobChange) -> Cause | None:
        """The cause of a job that was added or removed."""
        resolved = dag.resolve()
        return find_job_cause(resolved, job.job, 1 if job.kind == "added" else 0) if resolved else None

    def _cause(self, dag: _Dag, job: str, field: FieldChange) -> Cause | None:
        key = self._group(dag, job, field)
        if key not in self._known:
            resolved = dag.resolve()
            self._known[key] = find_cause(resolved, job, field.path) if resolved else None
        return self._known[key]

    def _group(self, dag: _Dag, job: str, field: FieldChange) -> bytes:
        """The key of all fields with the same cause."""
        names = self._names(dag)
        own = [dag.comparison.id, job] if names is None else names
        flavors = [_flavors(pipeline, job) for pipeline in (dag.comparison.before, dag.comparison.after)]
        values = (field.path, field.before, field.after)
        return _ENCODER.encode((names is None, own, bool(job), dag.folder, flavors, values))

    def _names(self, dag: _Dag) -> list[str] | None:
        """The edited layer that the file uses by its name, apart from flavors; None if its jobs may use several."""
        if dag.names is None:
            dag.names = (self._find_names(dag),)
        return dag.names[0]

    def _find_names(self, dag: _Dag) -> list[str] | None:
        if not dag.is_same_file() or self._sides.are_environments():
            return None
        data = dag.data() or b""
        counts = Counter(self._named_edits.values())
        names = [name for name in self._named_edits if name.encode() in data]
        is_nested = counts["preset"] > 1 and _CALL.search(data)
        is_computed = counts["preset"] + counts["retry rule"] > 1 and b"${{" in data
        is_long = any(self._named_edits[name] == "long template" for name in names)
        return None if len(names) > 1 or is_nested or is_computed or is_long else names

    @cached_property
    def _named_edits(self) -> dict[str, str]:
        """The edited layers that a job uses by their name, and the edited variables, each with its kind."""
        found = {}
        for file in self._sides.edited_templates:
            lines = sorted({line for side in self._sides.template(file) for line in side.lines})
            is_long = any(later > earlier + 1 for earlier, later in pairwise(lines))
            name, version = file.split("/")[-2:]
            found[f"{name}@{version.split('.')[0]}"] = "long template" if is_long else "template"
        for file, edits in self._sides.tables.items():
            kind = {presets.FILE: "preset", retries.FILE: "retry rule"}.get(file, "variable")
            for edit in (*edits[0].all, *edits[1].all):
                if len(edit.path) > 1 and (kind != "variable" or edit.path[0] == "vars"):
                    found[str(edit.path[1])] = kind
        return found


def _flavors(pipeline: Pipeline | None, job: str) -> list[str]:
    found: Job | None = next((one for one in pipeline.jobs if one.name == job), None) if pipeline and job else None
    return [found.flavor.name, *(one.flavor.name for one in found.larger_flavors)] if found else []


class _Dag:
    """One comparison, resolved when it is needed."""

    def __init__(self, sides: Sides, comparison: Comparison) -> None:
        self._sides, self.comparison = sides, comparison
        self._resolved: DagSides | None = None
        self._is_same: bool | None = None
        self.names: tuple[list[str] | None] | None = None

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
