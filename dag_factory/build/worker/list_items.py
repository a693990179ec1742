"""The list that a job or a group runs over, where Airflow cannot map over it: a param, or a part of an output.

A task without a pod makes it in the worker. What a run was started with decides, never a default at parse time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from dag_factory.build.worker.outputs import describe_type
from dag_factory.config.model import ForEach

RETRIES = 2  # for a worker that is lost; a wrong list fails at once


class ListItems(BaseOperator):
    """Gives the list that ``each`` names; ``runner`` is what runs for each item of it, in words."""

    ui_color = "#eef"

    def __init__(self, *, each: ForEach, runner: str, **arguments: Any) -> None:
        super().__init__(retries=RETRIES, **arguments)
        self._each = each
        self._runner = runner

    def execute(self, context: Any) -> list[Any]:
        """The items. Raises ``AirflowFailException`` where there is no list, or one too long."""
        found = select_items(self._whole(context), self._each, self._runner, conf.getint("core", "max_map_length"))
        self.log.info("%s runs for each of %s items", self._runner, len(found))
        return found

    def _whole(self, context: Any) -> Any:
        if self._each.param is not None:
            return context["params"][self._each.param]
        macros = self.dag.user_defined_macros or {}
        return macros["output"](context, self._each.output)


def select_items(value: Any, each: ForEach, runner: str, most: int) -> list[Any]:
    """The list in ``value``, a param's or an output's. Raises ``AirflowFailException`` with what is wrong."""
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
    runs = f"{runner} runs for each item of {name}"
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise AirflowFailException(f"{runs}, so it must be a list; it is {describe_type(value)}")
    if len(value) > most:
        hint = "let one instance work on several items: a list of lists"
        raise AirflowFailException(f"{runs}, and the list has {len(value):,} items, more than {most:,} ({hint})")
    return list(value)
