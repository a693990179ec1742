"""Make the list that a job or a group runs over if Airflow cannot map over it: a param, or a part of an output.

A task without a pod makes it in the worker. So it comes from the values of the run, not from defaults at parse time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from dag_factory.build.worker.outputs import describe_type
from dag_factory.config.model import ForEach

RETRIES = 2  # for a lost worker; a list with errors fails without a retry


class ListItems(BaseOperator):
    """Returns the list that ``each`` refers to. ``runner`` describes what runs once per item, for messages."""

    ui_color = "#eef"
    custom_operator_name = "list, without a pod"  # what Airflow shows on the nodes of the graph

    def __init__(self, *, each: ForEach, runner: str, **arguments: Any) -> None:
        super().__init__(retries=RETRIES, **arguments)
        self._each = each
        self._runner = runner

    def execute(self, context: Any) -> list[Any]:
        """Return the items. Raises ``AirflowFailException`` if there is no list or it is too long."""
        items = select_items(self._source(context), self._each, self._runner, conf.getint("core", "max_map_length"))
        self.log.info("%s runs for each of %s items", self._runner, len(items))
        return items

    def _source(self, context: Any) -> Any:
        if self._each.param is not None:
            return context["params"][self._each.param]
        macros = self.dag.user_defined_macros or {}
        return macros["output"](context, self._each.output)


def select_items(value: Any, each: ForEach, runner: str, most: int) -> list[Any]:
    """Return the list inside ``value``, a param or an output. Raises ``AirflowFailException`` if it is not a list."""
    name = f"the param `{each.param}`" if each.param is not None else f"the output of `{each.output}`"
    for position, key in enumerate(each.path):
        where = ".".join(each.path[:position])
        inside = f"`{where}` in {name}" if where else name
        if isinstance(value, Mapping):
            if key not in value:
                known = ", ".join(f"`{one}`" for one in list(value)[:10]) or "nothing"
                raise AirflowFailException(f"{inside} has no key `{key}` (it has {known})")
            value = value[key]
        elif isinstance(value, Sequence) and not isinstance(value, str) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise AirflowFailException(f"{inside} has no key `{key}`: it is {describe_type(value)}")
    name = f"`{'.'.join(each.path)}` in {name}" if each.path else name
    runs = f"{runner} runs once per item of {name}"
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise AirflowFailException(f"{runs}, so it must be a list; it is {describe_type(value)}")
    if len(value) > most:
        hint = "let each mapped task process several items: use a list of lists"
        raise AirflowFailException(
            f"{runs}, but the list has {len(value):,} items; at most {most:,} are allowed ({hint})"
        )
    return list(value)
