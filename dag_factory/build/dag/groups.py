"""Build Airflow's task groups from the ``group`` of jobs.

The ids of tasks do not contain the group, so that a job keeps its history if it moves to another group.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from airflow.sdk import DAG, BaseOperator, TaskGroup, XComArg
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from dag_factory.build.task.mapped_task import list_task
from dag_factory.config import model


class TaskGroups:
    """The task groups of one DAG. Each is created when its first job asks for it.

    The groups in ``mapped`` run once per item of a list.
    """

    def __init__(self, dag: DAG, mapped: Mapping[str, model.ForEach] = MappingProxyType({})) -> None:
        self._dag = dag
        self._mapped = mapped
        self._groups: dict[str, TaskGroup] = {}
        self.list_tasks: dict[str, BaseOperator] = {}
        """The task that makes the list of each mapped group, by the path of the group."""

    def get(self, path: str | None) -> TaskGroup | None:
        """Return the group with a path such as ``load.sales``, with its parents; None if there is no path."""
        if not path:
            return None
        if path not in self._groups:
            self._groups[path] = self._create(path)
        return self._groups[path]

    def _create(self, path: str) -> TaskGroup:
        parent, _, name = path.rpartition(".")
        arguments: dict[str, Any] = {
            "group_id": model.group_id(path),
            "group_display_name": name if parent else "",
            "prefix_group_id": False,
            "parent_group": self.get(parent),
            "dag": self._dag,
        }
        each = self._mapped.get(path)
        if each is None:
            return TaskGroup(**arguments)
        items: Any = list(each.items or ())
        if each.own_task:
            self.list_tasks[path] = list_task(
                model.group_id(path), each, f"the group `{path}`", self._dag, self.get(parent)
            )
            items = XComArg(self.list_tasks[path])
        return MappedTaskGroup(**arguments, expand_input=DictOfListsExpandInput({"item": items}))

    def connect_list_tasks(self) -> None:
        """Let each mapped group wait for the task that makes its list. Call it after all tasks and edges exist."""
        for path, list_maker in self.list_tasks.items():
            self._groups[path].set_upstream(list_maker)
