"""Find the item of a mapped task instance, for ``{{ item }}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dag_factory.config import model

ITEM = "for_each.item"
"""The key of a mapped task's params that contains its item; no param of a pipeline can have this name."""


@dataclass(frozen=True)
class GroupItems:
    """The groups that run once per item of a list.

    ``groups`` has the path of the group by job, ``lists`` the list by path.
    """

    groups: Mapping[str, str]
    lists: Mapping[str, model.ForEach]

    def has_item(self, context: Any) -> bool:
        """Return whether the task instance in ``context`` has an item."""
        return ITEM in context["params"] or context["ti"].task_id in self.groups

    def item(self, context: Any) -> Any:
        """Return the item of the task instance in ``context``, which must have one.

        Raises ``ValueError`` if the configuration of the run replaces it: Airflow merges every key over the params.
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

    def shares_item(self, job: str, ti: Any) -> bool:
        """Return whether a job is in the same mapped group as a task instance, so that both have the same item."""
        return job in self.groups and self.groups[job] == self.groups.get(ti.task_id)


def as_text(value: Any) -> str:
    """Return text unchanged and every other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
