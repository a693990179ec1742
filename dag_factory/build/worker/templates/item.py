"""The item that a task instance runs for, as ``{{ item }}`` gives it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dag_factory.config import model

ITEM = "for_each.item"
"""The key of a mapped task's params that holds its item; no param of a pipeline can have it."""


@dataclass(frozen=True)
class GroupItems:
    """The groups that run for each item of a list: ``groups`` has the group's path of each job in one."""

    groups: Mapping[str, str]
    lists: Mapping[str, model.ForEach]

    def has_item(self, context: Any) -> bool:
        """Whether the task instance in ``context`` runs for an item."""
        return ITEM in context["params"] or context["ti"].task_id in self.groups

    def item(self, context: Any) -> Any:
        """The item of the task instance in ``context``, which has one.

        Raises ``ValueError`` where the run's configuration would replace it: Airflow lays any key over the params.
        """
        if ITEM in (getattr(context.get("dag_run"), "conf", None) or {}):
            raise ValueError(f"the run was started with a value for `{ITEM}`, which would replace each item")
        if ITEM in context["params"]:
            return context["params"][ITEM]
        ti = context["ti"]
        each = self.lists[self.groups[ti.task_id]]
        if not each.own_task:
            return (each.items or ())[ti.map_index]
        made_by = model.items_task(model.group_id(self.groups[ti.task_id]))
        return ti.xcom_pull(task_ids=made_by, key="return_value", map_indexes=None)[ti.map_index]

    def is_beside(self, job: str, ti: Any) -> bool:
        """Whether a job is in the same group as a task instance, so that the two have an item in common."""
        return job in self.groups and self.groups[job] == self.groups.get(ti.task_id)


def as_text(value: Any) -> str:
    """Text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
