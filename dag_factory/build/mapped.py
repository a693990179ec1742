"""A job for each item of a list: Airflow's dynamic task mapping of the pod operator.

``env_vars`` cannot be both partial and expanded. So the items are expanded as the operator's ``params``,
under one key that no pipeline's param can have, and the variable reads that key. A mapped task's params are
laid over the run's, which keeps all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import XComArg
from airflow.sdk.definitions.mappedoperator import MappedOperator

from dag_factory.build.operator import PodOperator
from dag_factory.config import model

LABEL = "{{ params['for_each.item'][:200] }}"  # Airflow's column for it takes 250 characters

Task = PodOperator | MappedOperator


def expand(each: model.ForEach, arguments: Mapping[str, Any], tasks: Mapping[str, Task]) -> MappedOperator:
    """The mapped task; ``arguments`` are the operator's, ``tasks`` has the one whose output is the list."""
    partial = PodOperator.partial(**arguments, map_index_template=LABEL, max_active_tis_per_dagrun=each.max_parallel)
    if each.output is not None:
        return partial.expand(params=XComArg(tasks[each.output]).map(as_params))
    return partial.expand(params=[{"for_each.item": item} for item in each.items or ()])


# Airflow stores the source of this function with the DAG, so it stands alone: no name of this module is in it.
def as_params(item):  # type: ignore[no-untyped-def]
    import json

    return {"for_each.item": item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)}
