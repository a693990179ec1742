"""What a pipeline says beside its jobs: computed, checked, and put into the model."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.config.expressions import run_time
from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.pipelines import params, schedules
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
_OWNERS = 500  # characters: Airflow's log of events has one column for all owners of a job


def compute(header: MapNode, context: Context) -> tuple[MapNode, list[Problem]]:
    """The header with its expressions computed and checked; what is wrong is taken out of it."""
    computed, problems = documents.compute(header, context, _SCHEMA, _HEADER, keep=True)
    rest = without(computed, "groups")  # their templates are checked with the jobs
    problems += run_time.check(rest, shape(_SCHEMA), None, ())
    groups = {key: computed.entries[key] for key in ("groups",) if key in computed.entries}
    computed = map_node({**run_time.remove_raw_tags_in_map(rest).entries, **groups}, computed.keys, computed.position)
    said = {key: node for key, node in computed.entries.items() if not node.dynamic}
    problems += schedules.schedule(said.get("schedule"), ("schedule",))[1]
    problems += timezones.check_timezone(said.get("timezone"), ("timezone",))
    for key in ("start_date", "end_date"):
        problems += schedules.check_date(said.get(key), (key,))
    problems += schedules.check_order(said.get("start_date"), said.get("end_date"), ("end_date",))
    problems += schedules.check_years(said.get("start_date"), said.get("end_date"))
    problems += _continuous(said)
    problems += _owners(said)
    problems += params.check(computed)
    problems += params.check_variables(computed)
    return computed, problems


def in_environment(header: MapNode, tables: Tables) -> MapNode:
    """The header with what the environment decides: whether schedules hold, and what a pipeline without a key gets."""
    decided: dict[str, Node] = {}
    if tables.timezone and not is_set(header.get("timezone")):
        decided["timezone"] = tables.timezone
    for key in ("max_active_jobs", "max_active_runs"):
        bound = tables.guards.bounds.get(key)
        if bound and not is_set(header.get(key)):
            decided[key] = scalar(bound.most, Position(bound.file, bound.line))
    how = tables.schedules
    if how and how.value == "manual" and is_set(header.get("schedule")):
        decided["schedule"] = Scalar(None, "null", how.position)
    if how and how.value == "paused" and not is_set(header.get("paused")):
        decided["paused"] = Scalar(True, "true", how.position)
    return map_node({**header.entries, **decided}, header.keys, header.position) if decided else header


def owner(header: MapNode) -> str:
    """The owners in one text, as Airflow shows them."""
    return ", ".join(header.texts("owner"))


def _continuous(said: dict[str, Node]) -> Iterator[Problem]:
    """Airflow builds no DAG whose runs follow each other at once unless they do so one by one."""
    written = said.get("schedule")
    if (
        isinstance(written, Scalar)
        and written.value == "@continuous"
        and whole_number(said.get("max_active_runs")) != 1
    ):
        message = "`@continuous` starts a run when the last has ended, so only one can go on at a time"
        yield Problem.at(written.position, ("schedule",), "bad-schedule", message, "add `max_active_runs: 1`")


def _owners(said: dict[str, Node]) -> Iterator[Problem]:
    """The scheduler writes the owners of a job that failed into its log, and stops where they do not fit."""
    names = said.get("owner")
    length = len(", ".join(texts_of(names)))
    if names is not None and length > _OWNERS:
        message = f"the owners take {length:,} characters together, more than the {_OWNERS} of Airflow's log"
        yield Problem.at(names.position, ("owner",), "too-large", message, "name a group in the place of its members")
