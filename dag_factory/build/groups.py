"""Airflow's task groups, made from the jobs' ``group``.

A group takes no part in the ids of its tasks, so that moving a job keeps its history.
"""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from dag_factory.config import model


class Groups:
    """The groups of one DAG, each made when its first job comes."""

    def __init__(self, dag: DAG) -> None:
        self._dag = dag
        self._made: dict[str, TaskGroup] = {}

    def of(self, path: str | None) -> TaskGroup | None:
        """The group at a path such as ``load.sales``, its parents made before it; None where there is no path."""
        if not path:
            return None
        if path not in self._made:
            parent, _, name = path.rpartition(".")
            self._made[path] = TaskGroup(
                group_id=model.group_id(path),
                group_display_name=name if parent else "",
                prefix_group_id=False,
                parent_group=self.of(parent),
                dag=self._dag,
            )
        return self._made[path]
