"""A change with the lines that caused it."""

from __future__ import annotations

import msgspec

from dag_factory.plan.model import Cause, Comparison, DagChange, FieldChange


class LocatedChange(msgspec.Struct, frozen=True):
    """A change of one DAG. ``causes`` has the cause of each field, by job and path.

    The job is ``""`` for the DAG itself. The path is ``""`` for a DAG or a job that was added or removed as a whole.
    """

    change: DagChange
    comparison: Comparison
    causes: dict[tuple[str, str], Cause] = {}

    @property
    def fields(self) -> dict[tuple[str, str], FieldChange]:
        """Every changed field by job and path."""
        found = {("", field.path): field for field in self.change.fields}
        for job in self.change.jobs:
            found |= {(job.job, field.path): field for field in job.fields}
        return found
