"""A job for each item of a list: Airflow's dynamic task mapping of the pod operator.

``env_vars`` cannot be both partial and expanded. So the items are expanded as the operator's ``params``,
under one key that no pipeline's param can have, and ``{{ item }}`` reads that key. A mapped task's params are
laid over the run's, which keeps all others. The jobs of a group read the item from the group's list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import DAG, BaseOperator, TaskGroup, XComArg
from airflow.sdk.definitions.mappedoperator import MappedOperator

from dag_factory.build.worker.list_items import ListItems
from dag_factory.build.worker.operator import PodOperator
from dag_factory.build.worker.templates.item import ITEM
from dag_factory.config import model
from dag_factory.config.expressions.dollar_signs import close_brace

Task = PodOperator | MappedOperator


def expand(each: model.ForEach, arguments: Mapping[str, Any], source: BaseOperator | Task | None) -> MappedOperator:
    """The mapped task; ``arguments`` are the operator's, ``source`` is the task whose output is the list."""
    partial = PodOperator.partial(**arguments, **instance_arguments(each))
    if source is not None:
        return partial.expand(params=XComArg(source).map(as_params))
    return partial.expand(params=[{ITEM: item} for item in each.items or ()])


def instance_arguments(each: model.ForEach) -> dict[str, Any]:
    """The operator's arguments that name its instances in the grid, and bound how many run at once."""
    text = close_brace(each.label) if each.label else "{{ item | as_text }}"
    # Airflow's column for it takes 250 characters.
    label = f"{{% set label %}}{text}{{% endset %}}{{{{ label[:200] }}}}"
    return {"map_index_template": label, "max_active_tis_per_dagrun": each.max_parallel}


def list_task(name: str, each: model.ForEach, runner: str, dag: DAG, group: TaskGroup | None) -> ListItems:
    """The task that makes the list for the job or the group of this name."""
    return ListItems(task_id=model.items_task(name), each=each, runner=runner, dag=dag, task_group=group)


# Airflow stores the source of this function with the DAG, so it stands alone: no name of this module is in it.
def as_params(item):  # type: ignore[no-untyped-def]
    return {"for_each.item": item}
