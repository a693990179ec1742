"""The function ``output('job')`` of a job's templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dag_factory.build.worker.errors import NoOutput
from dag_factory.build.worker.outputs import NULL_KEY
from dag_factory.build.worker.templates.item import GroupItems

_NO_DEFAULT: Any = object()
_NOTHING: Any = object()  # a job wrote no output; None is a JSON null


@dataclass(frozen=True)
class OutputFunction:
    """The function ``output``.

    ``cells`` has the jobs of each matrix, by the name of the matrix job. ``mapped`` has the jobs that run once per item
    of a list, and ``items`` the groups that do.
    """

    cells: dict[str, tuple[str, ...]]
    mapped: frozenset[str]
    items: GroupItems = field(default_factory=lambda: GroupItems({}, {}))

    def __call__(self, context: Mapping[str, Any], job: str, *, default: Any = _NO_DEFAULT) -> Any:
        """Return the JSON value that the job ``job`` of this run wrote, or ``default`` if it wrote none.

        For a matrix or a mapped job it is the list of the values of its cells or mapped tasks, without those that wrote
        none. A null is a value. Raises ``NoOutput`` if another job wrote none and there is no default.
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
                f"output('{job}'): this job has no output in this run. A job has one if it sets `output: json`, writes"
                " JSON to /airflow/xcom/return.json and succeeds. If the job may be skipped, use"
                f" output('{job}', default=none)."
            )
        return values

    def _is_list(self, context: Mapping[str, Any], job: str) -> bool:
        return job in self.cells or (job in self.mapped and not self.items.shares_item(job, context["ti"]))

    def _one(self, context: Mapping[str, Any], job: str) -> Any:
        ti = context["ti"]
        if job not in self.mapped:
            value = ti.xcom_pull(task_ids=job, key="return_value")
            return _NOTHING if value is None and not ti.xcom_pull(task_ids=job, key=NULL_KEY) else value
        if self.items.shares_item(job, ti):  # the output for the same item
            value = ti.xcom_pull(task_ids=job, key="return_value", map_indexes=ti.map_index)
            is_null = value is None and ti.xcom_pull(task_ids=job, key=NULL_KEY, map_indexes=ti.map_index)
            return _NOTHING if value is None and not is_null else value
        # For a list of tasks Airflow returns a list of values, even if there is only one mapped task ...
        values = ti.xcom_pull(task_ids=[job], key="return_value")
        # ... and the list [None] if no mapped task wrote an output.
        return [] if values == [None] and not any(ti.xcom_pull(task_ids=[job], key=NULL_KEY)) else values
