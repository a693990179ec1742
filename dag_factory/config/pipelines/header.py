"""The header: the keys of a pipeline other than its jobs, computed and checked."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.expressions import run_time
from dag_factory.config.jobs.scope import Scope
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


def compute_header(header: MapNode, scope: Scope) -> MapNode:
    """Compute the expressions of the header and check its values; values that do not match the schema are removed."""
    computed = scope.value(documents.compute(header, scope.context, _SCHEMA, _HEADER, keep=True))
    rest = without(computed, "groups")  # the templates of groups are checked with those of the jobs
    scope.report(run_time.check(rest, shape(_SCHEMA), None, ()))
    entries = run_time.remove_raw_tags_in_map(rest).entries
    if "groups" in computed.entries:
        entries = {**entries, "groups": computed.entries["groups"]}
    computed = map_node(entries, computed.keys, computed.position)
    scope.report(_check(computed))
    return computed


def _check(header: MapNode) -> Iterator[Problem]:
    """All checks of the header's values; those with a failed expression are not checked."""
    values = {key: node for key, node in header.entries.items() if not node.dynamic}
    yield from schedule.read_schedule(values.get("schedule"), ("schedule",))[1]
    yield from timezones.check_timezone(values.get("timezone"), ("timezone",))
    start, end = values.get("start_date"), values.get("end_date")
    yield from schedule.check_date(start, ("start_date",))
    yield from schedule.check_date(end, ("end_date",))
    yield from schedule.check_order(start, end, ("end_date",))
    yield from schedule.check_years(start, end)
    yield from _check_continuous(values)
    yield from _check_owners(values)
    yield from params.check(header)
    yield from params.check_variables(header)


def with_environment_values(header: MapNode, tables: Tables) -> MapNode:
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


def join_owners(header: MapNode) -> str:
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
