"""Build the task of a job that runs once per item of a list: Airflow's dynamic task mapping of the pod operator.

``env_vars`` cannot be both partial and expanded. So the items are expanded as the operator's ``params``, under one key
that no param of a pipeline can have, and ``{{ item }}`` reads that key. Airflow merges the params of a mapped task over
those of the run, which keeps all others. The jobs of a mapped group read the item from the list of the group.
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
    """Return the mapped task. ``arguments`` are the operator's; ``source`` is the task whose output is the list."""
    partial = PodOperator.partial(**arguments, **instance_arguments(each))
    if source is not None:
        return partial.expand(params=XComArg(source).map(as_params))
    return partial.expand(params=[{ITEM: item} for item in each.items or ()])


def instance_arguments(each: model.ForEach) -> dict[str, Any]:
    """Return the operator's arguments that label its mapped tasks in the grid and limit how many run at once."""
    text = close_brace(each.label) if each.label else "{{ item | as_text }}"
    # Airflow's database column for it has 250 characters.
    label = f"{{% set label %}}{text}{{% endset %}}{{{{ label[:200] }}}}"
    return {"map_index_template": label, "max_active_tis_per_dagrun": each.max_parallel}


def list_task(name: str, each: model.ForEach, runner: str, dag: DAG, group: TaskGroup | None) -> ListItems:
    """Return the task that makes the list for the job or the group with this name."""
    return ListItems(task_id=model.items_task(name), each=each, runner=runner, dag=dag, task_group=group)


# Airflow stores the source of this function with the DAG. So it must not use any name of this module.
def as_params(item):  # type: ignore[no-untyped-def]
    return {"for_each.item": item}
