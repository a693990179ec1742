"""Airflow's task groups, made from the jobs' ``group``.

A group takes no part in the ids of its tasks, so that moving a job keeps its history.
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


class Groups:
    """The groups of one DAG, each made when its first job comes.

    Those of ``mapped`` run for each item of a list.
    """

    def __init__(self, dag: DAG, mapped: Mapping[str, model.ForEach] = MappingProxyType({})) -> None:
        self._dag = dag
        self._mapped = mapped
        self._made: dict[str, TaskGroup] = {}
        self.sources: dict[str, BaseOperator] = {}
        """The task that makes the list of each mapped group, by the group's path."""

    def of(self, path: str | None) -> TaskGroup | None:
        """The group at a path such as ``load.sales``, its parents made before it; None where there is no path."""
        if not path:
            return None
        if path not in self._made:
            self._made[path] = self._new(path)
        return self._made[path]

    def _new(self, path: str) -> TaskGroup:
        parent, _, name = path.rpartition(".")
        arguments: dict[str, Any] = {
            "group_id": model.group_id(path),
            "group_display_name": name if parent else "",
            "prefix_group_id": False,
            "parent_group": self.of(parent),
            "dag": self._dag,
        }
        each = self._mapped.get(path)
        if each is None:
            return TaskGroup(**arguments)
        items: Any = list(each.items or ())
        if each.own_task:
            self.sources[path] = list_task(
                model.group_id(path), each, f"the group `{path}`", self._dag, self.of(parent)
            )
            items = XComArg(self.sources[path])
        return MappedTaskGroup(**arguments, expand_input=DictOfListsExpandInput({"item": items}))

    def wait_for_lists(self) -> None:
        """Let each mapped group wait for the task that makes its list; all tasks and their edges are there."""
        for path, source in self.sources.items():
            self._made[path].set_upstream(source)
