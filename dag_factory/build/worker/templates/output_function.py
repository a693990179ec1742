"""The function ``output('job')`` of a job's templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dag_factory.build.worker.outputs import NULL_KEY
from dag_factory.build.worker.templates.item import GroupItems

_NO_DEFAULT: Any = object()
_NOTHING: Any = object()  # a job wrote no output; None is a null


class NoOutput(LookupError):
    """A template reads the output of a job that left none."""


@dataclass(frozen=True)
class OutputFunction:
    """The function ``output``.

    ``cells`` has the jobs that each matrix of the pipeline makes, by its name; ``mapped`` are the jobs that run
    for each item of a list; ``items`` knows the groups that do.
    """

    cells: dict[str, tuple[str, ...]]
    mapped: frozenset[str]
    items: GroupItems = field(default_factory=lambda: GroupItems({}, {}))

    def __call__(self, context: Mapping[str, Any], job: str, *, default: Any = _NO_DEFAULT) -> Any:
        """The JSON value that the job ``job`` of this run wrote, or ``default`` where it wrote none.

        Of a matrix it is a list of what its cells wrote, of a mapped job one of what its instances wrote; who
        wrote none is not in it. A null is a value like any other. Raises ``NoOutput`` where any other job wrote none
        and there is no default.
        """
        if job in self.cells:
            values = [
                value for value in (self._one(context, cell) for cell in self.cells[job]) if value is not _NOTHING
            ]
        else:
            values = self._one(context, job)
        if (values is _NOTHING or (values == [] and self._is_list(context, job))) and default is not _NO_DEFAULT:
            return default
        if values is _NOTHING:
            raise NoOutput(
                f"output('{job}'): this job left no output in this run. It has one when it says `output: json`,"
                " writes JSON to /airflow/xcom/return.json and succeeds. Where it may be skipped, write"
                f" output('{job}', default=none)."
            )
        return values

    def _is_list(self, context: Mapping[str, Any], job: str) -> bool:
        return job in self.cells or (job in self.mapped and not self.items.is_beside(job, context["ti"]))

    def _one(self, context: Mapping[str, Any], job: str) -> Any:
        ti = context["ti"]
        if job not in self.mapped:
            value = ti.xcom_pull(task_ids=job, key="return_value")
            return _NOTHING if value is None and not ti.xcom_pull(task_ids=job, key=NULL_KEY) else value
        if self.items.is_beside(job, ti):  # the output for the same item
            value = ti.xcom_pull(task_ids=job, key="return_value", map_indexes=ti.map_index)
            is_null = value is None and ti.xcom_pull(task_ids=job, key=NULL_KEY, map_indexes=ti.map_index)
            return _NOTHING if value is None and not is_null else value
        # Asked for a list of tasks Airflow gives a list of values, also where there is one instance ...
        values = ti.xcom_pull(task_ids=[job], key="return_value")
        # ... and the list [None] where no instance wrote any.
        return [] if values == [None] and not any(ti.xcom_pull(task_ids=[job], key=NULL_KEY)) else values
