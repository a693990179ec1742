"""The header: the keys of a pipeline other than its jobs, computed and checked."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.expressions import run_time
from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.pipelines import params, schedule
from dag_factory.config.platform import timezones
from dag_factory.config.platform.tables import Tables
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import shape
from dag_factory.config.source import documents
from dag_factory.config.tree import (
    MapNode,
    Node,
    Scalar,
    is_set,
    map_node,
    scalar,
    texts_of,
    whole_number,
    without,
)

_SCHEMA = "pipeline.schema.json"
_HEADER = "/$defs/overlay"
_MAX_OWNERS = 500  # characters: the column of Airflow's event log that holds all owners of a job


def compute(header: MapNode, context: Context) -> tuple[MapNode, list[Problem]]:
    """Compute the expressions of the header and check its values; remove those with errors."""
    computed, problems = documents.compute(header, context, _SCHEMA, _HEADER, keep=True)
    without_groups = without(computed, "groups")  # their templates are checked with those of the jobs
    problems += run_time.check(without_groups, shape(_SCHEMA), None, ())
    groups = {key: computed.entries[key] for key in ("groups",) if key in computed.entries}
    computed = map_node(
        {**run_time.remove_raw_tags_in_map(without_groups).entries, **groups}, computed.keys, computed.position
    )
    values = {key: node for key, node in computed.entries.items() if not node.dynamic}
    problems += schedule.read_schedule(values.get("schedule"), ("schedule",))[1]
    problems += timezones.check_timezone(values.get("timezone"), ("timezone",))
    for key in ("start_date", "end_date"):
        problems += schedule.check_date(values.get(key), (key,))
    problems += schedule.check_order(values.get("start_date"), values.get("end_date"), ("end_date",))
    problems += schedule.check_years(values.get("start_date"), values.get("end_date"))
    problems += _check_continuous(values)
    problems += _check_owners(values)
    problems += params.check(computed)
    problems += params.check_variables(computed)
    return computed, problems


def in_environment(header: MapNode, tables: Tables) -> MapNode:
    """The header with the values of the environment: whether schedules apply, and defaults of keys that are not set."""
    added: dict[str, Node] = {}
    if tables.timezone and not is_set(header.get("timezone")):
        added["timezone"] = tables.timezone
    for key in ("max_active_jobs", "max_active_runs"):
        limit = tables.guards.bounds.get(key)
        if limit and not is_set(header.get(key)):
            added[key] = scalar(limit.most, Position(limit.file, limit.line))
    mode = tables.schedules
    if mode and mode.value == "manual" and is_set(header.get("schedule")):
        added["schedule"] = Scalar(None, "null", mode.position)
    if mode and mode.value == "paused" and not is_set(header.get("paused")):
        added["paused"] = Scalar(True, "true", mode.position)
    return map_node({**header.entries, **added}, header.keys, header.position) if added else header


def owner(header: MapNode) -> str:
    """The owners as one text, as Airflow shows them."""
    return ", ".join(header.texts("owner"))


def _check_continuous(values: dict[str, Node]) -> Iterator[Problem]:
    """Airflow rejects a continuous DAG that can have several active runs."""
    schedule = values.get("schedule")
    if (
        isinstance(schedule, Scalar)
        and schedule.value == "@continuous"
        and whole_number(values.get("max_active_runs")) != 1
    ):
        message = "`@continuous` starts a run when the previous one has ended, so only one run can be active"
        yield Problem.at(schedule.position, ("schedule",), "bad-schedule", message, "add `max_active_runs: 1`")


def _check_owners(values: dict[str, Node]) -> Iterator[Problem]:
    """The scheduler writes the owners of a failed job into its event log, and crashes if they are too long."""
    names = values.get("owner")
    length = len(", ".join(texts_of(names)))
    if names is not None and length > _MAX_OWNERS:
        message = f"the owners have {length:,} characters in total; Airflow stores at most {_MAX_OWNERS}"
        yield Problem.at(names.position, ("owner",), "too-large", message, "name a group instead of its members")
